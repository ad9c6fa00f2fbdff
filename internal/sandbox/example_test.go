package sandbox_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/sandbox"
)

// A sandbox on a free port, asked through the real SDK.
func Example() {
	account, err := sandbox.New(sandbox.Options{})
	if err != nil {
		panic(err)
	}
	server, err := account.Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	client := ec2.NewFromConfig(aws.Config{
		Region:       sandbox.DefaultRegion,
		BaseEndpoint: aws.String(server.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	web, _ := account.Named(sandbox.DefaultRegion, "개발-웹서버-1")
	out, err := client.StopInstances(context.Background(), &ec2.StopInstancesInput{InstanceIds: []string{web.ID}})
	if err != nil {
		panic(err)
	}
	change := out.StoppingInstances[0]
	fmt.Println(change.PreviousState.Name, "to", change.CurrentState.Name)

	for _, call := range account.Calls() {
		fmt.Println(call.Service, call.Action, call.IDs)
	}
	if err := server.Close(); err != nil {
		panic(err)
	}
	// Output:
	// running to stopping
	// ec2 StopInstances 1
}
