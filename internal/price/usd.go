// Package price knows what things cost: exact money, the rows of the AWS price
// list, the keys that name exactly one of them, and the arithmetic of EBS.
// It is pure: no clock, no network, no logging.
//
// It may import fleet only. The AWS adapter fetches rows and hands them over
// as Products; this package decides which one applies.
package price

// USD is an exact amount of US dollars in ten-billionths of a dollar
// (1e-10 USD), the resolution in which the AWS price list states prices. The
// range is ±922 million dollars; arithmetic beyond it saturates.
type USD int64

// Dollar is one US dollar.
const Dollar USD = 10_000_000_000
