package amazon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"nightshift/internal/fleet"
)

// Publish sends a message to a topic, in the region that its ARN names. The subject
// is ASCII, of at most 100 characters; message and attributes have at most 256 KiB.
func (s *Session) Publish(ctx context.Context, topic, subject, message string, attributes map[string]string) error {
	parts := strings.SplitN(topic, ":", 5)
	if len(parts) < 5 {
		return fleet.Errorf(fleet.ErrInvalid, "%q is not the ARN of a topic", topic)
	}
	in := &sns.PublishInput{TopicArn: &topic, Subject: &subject, Message: &message, MessageAttributes: map[string]types.MessageAttributeValue{}}
	for name, value := range attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	out, err := s.publishing(fleet.Region(parts[3]))(ctx, in)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return fmt.Errorf("there is no topic %s: %w", topic, err)
	case errors.Is(err, fleet.ErrDenied):
		return fmt.Errorf("may not publish to %s: the role needs sns:Publish there: %w", topic, err)
	case err != nil:
		return fmt.Errorf("publish to %s: %w", topic, err)
	case out.MessageId == nil:
		return fleet.Errorf(fleet.ErrUnavailable, "publish to %s: the answer is not one of this AWS service; check AWS_ENDPOINT_URL", topic)
	}
	return nil
}

func (s *Session) publishing(region fleet.Region) operation[sns.PublishInput, sns.PublishOutput] {
	return capture(s, "sns:Publish", sns.NewFromConfig(s.in(region)).Publish)
}
