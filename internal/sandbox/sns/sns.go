// Package sns is Amazon Simple Notification Service, as far as stacks make topics
// and subscriptions and messages are published. Nothing is delivered.
package sns

import (
	"fmt"
	"net/http"
	"slices"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// subscription is one of a topic. Those to people wait for their confirmation.
type subscription struct {
	arn, protocol, endpoint string
	confirmed               bool
}

// topics are those of a region by ARN.
type topics map[string][]subscription

// Create makes a topic; the caller holds the region's lock.
func Create(r *state.Region, arn string) {
	all := state.Slot[topics](r)
	if *all == nil {
		*all = topics{}
	}
	(*all)[arn] = nil
}

// Has says whether a region has a topic; the caller holds the region's lock.
func Has(r *state.Region, arn string) bool {
	_, there := (*state.Slot[topics](r))[arn]
	return there
}

// Delete deletes a topic with its subscriptions; the caller holds the region's
// lock.
func Delete(r *state.Region, arn string) { delete(*state.Slot[topics](r), arn) }

// Subscribe adds a subscription to a topic and gives its ARN; the caller holds
// the region's lock.
func Subscribe(r *state.Region, topic, protocol, endpoint string) string {
	h := random.HashText(13, topic+protocol+endpoint)
	arn := fmt.Sprintf("%s:%08x-%04x-4%03x-a%03x-%012x", topic, h>>32, h>>16&0xffff, h&0xfff, h>>4&0xfff, h>>16)
	people := protocol == "email" || protocol == "email-json"
	list := (*state.Slot[topics](r))[topic]
	if !slices.ContainsFunc(list, func(s subscription) bool { return s.arn == arn }) {
		(*state.Slot[topics](r))[topic] = append(list, subscription{arn, protocol, endpoint, !people})
	}
	return arn
}

// Unsubscribe removes a subscription; the caller holds the region's lock.
func Unsubscribe(r *state.Region, topic, arn string) {
	all := *state.Slot[topics](r)
	if list, there := all[topic]; there {
		all[topic] = slices.DeleteFunc(list, func(s subscription) bool { return s.arn == arn })
	}
}

// Confirm confirms the subscription of an endpoint to a topic, as the person who
// got the message does.
func Confirm(a *state.Account, region, topic, endpoint string) error {
	r := a.Regions[region]
	if r == nil {
		return fmt.Errorf("confirm %s: the account has no region %q", endpoint, region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(a.Now())
	list := (*state.Slot[topics](r))[topic]
	at := slices.IndexFunc(list, func(s subscription) bool { return s.endpoint == endpoint })
	if at < 0 {
		return fmt.Errorf("confirm %s: topic %s has no such subscription", endpoint, topic)
	}
	list[at].confirmed = true
	return nil
}

// Service is Amazon SNS.
func Service() service.Service {
	return service.Service{
		Name: "sns", Operations: []string{"ListSubscriptionsByTopic", "Publish"},
		Read: (*wire.Request).ReadQuery, Refusal: wire.RefuseQuery(namespace), Serve: serve,
		Names: func(r *service.Call, hit service.Hit) bool { return hit.ByID(r.Params.Text("TopicArn")) },
	}
}

func serve(r *service.Call) wire.Answer {
	switch r.Action {
	case "ListSubscriptionsByTopic":
		return service.ServeQuery(r, namespace, true, list)
	case "Publish":
		return service.ServeQuery(r, namespace, true, publish)
	default:
		return r.Refuse(wire.Invalid("InvalidAction", "Could not find operation "+r.Action+" for version 2010-03-31"))
	}
}

// list answers ListSubscriptionsByTopic, all on one page.
func list(c service.Query) *wire.Error {
	topic := c.Params.Text("TopicArn")
	c.Params.Accept("NextToken")
	if err := c.Params.UnknownParameter(); err != nil {
		return wire.Invalid("InvalidParameter", err.Message)
	}
	if err := c.Authorize(topic, nil, nil); err != nil {
		return err
	}
	if !Has(c.Region, topic) {
		return wire.Fail(http.StatusNotFound, "NotFound", "Topic does not exist")
	}
	c.Out.Open("Subscriptions")
	for _, s := range (*state.Slot[topics](c.Region))[topic] {
		if !s.confirmed {
			s.arn = "PendingConfirmation"
		}
		c.Out.Open("member")
		c.Out.Text("SubscriptionArn", s.arn)
		c.Out.Text("Owner", c.Region.Owner)
		c.Out.Text("Protocol", s.protocol)
		c.Out.Text("Endpoint", s.endpoint)
		c.Out.Text("TopicArn", topic)
		c.Out.End("member")
	}
	c.Out.End("Subscriptions")
	return nil
}
