// Command nightshift is the night crew for an AWS account: it stops and starts
// instances by tag and writes the cost report of instances and volumes. The
// same binary is the command and the Lambda function.
package main

func main() {}
