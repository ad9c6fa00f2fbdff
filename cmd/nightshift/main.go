// Command nightshift is the night shift for an AWS account: it stops and starts
// instances by tag and writes the cost report of instances and volumes. The
// same binary is the command and the Lambda function.
package main

import (
	"os"
	_ "time/tzdata" // zones also where the machine has none, as in the function

	"nightshift/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.ThisSystem())) }
