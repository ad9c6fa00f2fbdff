package amazon

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// Topics is Amazon SNS in one region.
type Topics struct {
	list operation[sns.ListSubscriptionsByTopicInput, sns.ListSubscriptionsByTopicOutput]
}

// Topics gives access to the topics of a region.
func (s *Session) Topics(region fleet.Region) *Topics {
	client := sns.NewFromConfig(s.in(region))
	return &Topics{list: capture(s, "sns:ListSubscriptionsByTopic", client.ListSubscriptionsByTopic)}
}

// unconfirmed is the ARN of a subscription that nobody has confirmed yet.
const unconfirmed = "PendingConfirmation"

// Subscriptions are those of a topic.
func (t *Topics) Subscriptions(ctx context.Context, topic string) ([]deploy.Subscription, error) {
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: &topic}
	next := func(out *sns.ListSubscriptionsByTopicOutput) *string { return out.NextToken }
	list := func(out *sns.ListSubscriptionsByTopicOutput) []types.Subscription { return out.Subscriptions }
	return collect(each(pages(ctx, t.list, in, &in.NextToken, next), list, func(s types.Subscription) deploy.Subscription {
		return deploy.Subscription{
			Protocol: aws.ToString(s.Protocol), Endpoint: aws.ToString(s.Endpoint), Confirmed: aws.ToString(s.SubscriptionArn) != unconfirmed,
		}
	}))
}
