package state

// The credit options of burstable instances.
const (
	CreditsStandard  = "standard"
	CreditsUnlimited = "unlimited"
)

// CreditOption is how a burstable instance pays for CPU credits: as chosen at
// its launch or, for all families but T2, without limit. It is empty for other
// types. See "Burstable performance instances" in the EC2 User Guide.
func (i *Instance) CreditOption() string {
	switch {
	case !i.Type.Burstable():
		return ""
	case i.Credits != "":
		return i.Credits
	case i.Type.Family == "t2":
		return CreditsStandard
	}
	return CreditsUnlimited
}
