package sns

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Notification is a message that was published.
type Notification struct {
	ID, Subject, Message string
	// Attributes are those of the type String.
	Attributes map[string]string
}

// published are the messages of a region by the topic's ARN.
type published map[string][]Notification

// The limits of Publish in the API Reference.
const (
	mostBytes   = 256 << 10 // attributes included
	mostSubject = 100
)

// Add makes a topic in a region and gives its ARN.
func Add(a *state.Account, region, name string) (arn string, err error) {
	r := a.Regions[region]
	if r == nil {
		return "", fmt.Errorf("add topic %s: the account has no region %q", name, region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	arn = fmt.Sprintf("arn:aws:sns:%s:%s:%s", region, a.ID(), name)
	Create(r, arn)
	return arn, nil
}

// Published are the messages that were published to a topic, the oldest first.
func Published(a *state.Account, region, topic string) []Notification {
	r := a.Regions[region]
	if r == nil {
		return nil
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return slices.Clone((*state.Slot[published](r))[topic])
}

// publish answers Publish to a topic.
func publish(c service.Query) *wire.Error {
	topic := c.Params.Text("TopicArn")
	n := Notification{Subject: c.Params.Text("Subject"), Message: c.Params.Text("Message"), Attributes: map[string]string{}}
	size := len(n.Message)
	for _, one := range c.Params.Items("MessageAttributes.entry") {
		name, kind, value := one.Text("Name"), one.Text("Value.DataType"), one.Text("Value.StringValue")
		if name == "" || kind != "String" || value == "" {
			return wire.Invalid("ParameterValueInvalid", "The message attribute '"+name+"' must contain a non-empty string value of the type String.")
		}
		n.Attributes[name] = value
		size += len(name) + len(kind) + len(value)
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return wire.Invalid("InvalidParameter", err.Message)
	}
	if err := c.Authorize(topic, nil, nil); err != nil {
		return err
	}
	switch {
	case !Has(c.Region, topic):
		return wire.Fail(http.StatusNotFound, "NotFound", "Topic does not exist")
	case n.Message == "":
		return wire.Invalid("InvalidParameter", "Invalid parameter: Empty message")
	case size > mostBytes:
		return wire.Invalid("InvalidParameter", "Invalid parameter: Message too long")
	case c.Params.Has("Subject") && !subject(n.Subject):
		return wire.Invalid("InvalidParameter", "Invalid parameter: Subject")
	}
	all := state.Slot[published](c.Region)
	if *all == nil {
		*all = published{}
	}
	h := random.HashText(19, topic+n.Message+fmt.Sprint(len((*all)[topic])))
	n.ID = fmt.Sprintf("%08x-%04x-5%03x-a%03x-%012x", h>>32, h>>16&0xffff, h&0xfff, h>>4&0xfff, h>>16)
	(*all)[topic] = append((*all)[topic], n)
	c.Out.Text("MessageId", n.ID)
	return nil
}

// subject says whether a subject is ASCII without line breaks and control
// characters, begins with a letter, digit or punctuation and is short enough.
func subject(s string) bool {
	return s != "" && len(s) <= mostSubject && s[0] != ' ' &&
		strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) < 0
}
