// Package fleet holds the nouns that the rest of nightshift shares: accounts,
// regions, instances, volumes, tags, outcomes and kinds of errors. It has no
// verbs: nothing here talks to AWS, reads a clock or decides anything.
//
// Every other package may import fleet; fleet imports nothing of ours.
package fleet

// Account is a 12-digit AWS account id.
type Account string

// Region is a region code such as "ap-northeast-2".
type Region string

// Zone is an Availability Zone name such as "ap-northeast-2a".
type Zone string

// Target is one account in one region: the scope of one EC2 endpoint and of
// its request quotas.
type Target struct {
	Account Account `json:"account"`
	Region  Region  `json:"region"`
}

// Tags are a resource's tags, key to value. A nil map reads as no tags.
type Tags map[string]string

// Name is the value of the tag Name, or fallback where that tag is absent.
// An empty Name tag is a name: the empty one.
func (t Tags) Name(fallback string) string {
	if name, ok := t["Name"]; ok {
		return name
	}
	return fallback
}
