package sandbox

// The credit options of burstable instances.
const (
	creditsStandard  = "standard"
	creditsUnlimited = "unlimited"
)

// creditOption is how a burstable instance pays for CPU credits: as chosen at
// its launch or, for all families but T2, without limit. It is empty for other
// types. See "Burstable performance instances" in the EC2 User Guide.
func (i *instance) creditOption() string {
	switch {
	case !i.kind.burstable():
		return ""
	case i.credits != "":
		return i.credits
	case i.kind.Family == "t2":
		return creditsStandard
	}
	return creditsUnlimited
}
