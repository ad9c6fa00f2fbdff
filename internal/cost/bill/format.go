package bill

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// errRow is the kind of error of a row that cannot be read.
var errRow = errors.New("cannot be read")

// layout reads the lines of one kind of export.
type layout struct {
	name string
	// columns are the numbers of the columns that are read.
	columns []int
	read    func(row []string) (price.BillLine, bool, error)
}

// canonical is the form of a column's name that legacy report, CUR 2.0 and Athena
// share: "lineItem/UsageType" is "line_item_usage_type" elsewhere.
func canonical(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, name)
}

// header finds the columns of a file by their names.
type header struct {
	index map[string]int // by canonical name
	used  []int          // those that were looked up
}

func newHeader(columns []string) *header {
	h := &header{index: map[string]int{}}
	for n, name := range columns {
		if _, twice := h.index[canonical(name)]; !twice {
			h.index[canonical(name)] = n
		}
	}
	return h
}

func (h *header) has(name string) bool {
	_, ok := h.index[canonical(name)]
	return ok
}

// column finds the columns that may hold a value, the best first. Names are
// looked up once a file: there are millions of cells.
func (h *header) column(names ...string) column {
	var found column
	for _, name := range names {
		if n, ok := h.index[canonical(name)]; ok {
			found = append(found, n)
		}
	}
	h.used = append(h.used, found...)
	return found
}

// column holds the numbers of the columns that may have a value.
type column []int

// text is the first of the row's cells that is not empty.
func (c column) text(row []string) string {
	for _, n := range c {
		if n >= len(row) {
			continue
		}
		if text := strings.TrimSpace(row[n]); text != "" && !strings.EqualFold(text, "null") {
			return text
		}
	}
	return ""
}

// layoutOf recognises a format. It names the columns that are needed and not
// there.
func layoutOf(columns []string) (*layout, error) {
	h := newHeader(columns)
	f := &layout{}
	var needed []string
	switch {
	case h.has("BilledCost") || h.has("ChargePeriodStart"):
		f.name, f.read = "FOCUS", newFOCUS(h).line
		needed = []string{"ResourceId", "BilledCost", "ChargePeriodStart", "ChargePeriodEnd", "SubAccountId"}
	case h.has("line_item_unblended_cost") || h.has("line_item_usage_type") || h.has("line_item_line_item_type"):
		f.name, f.read = "CUR", newCUR(h).line
		needed = []string{
			"line_item_resource_id", "line_item_unblended_cost", "line_item_usage_start_date", "line_item_usage_end_date",
			"line_item_usage_account_id", "line_item_usage_type", "line_item_line_item_type",
		}
	default:
		return nil, fleet.Errorf(fleet.ErrInvalid, "neither FOCUS nor a Cost and Usage Report: there is no column BilledCost or line_item_unblended_cost (lineItem/UnblendedCost)")
	}
	if needed = slices.DeleteFunc(needed, h.has); len(needed) > 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the %s export lacks the column %s; include it in the export", f.name, strings.Join(needed, " and the column "))
	}
	slices.Sort(h.used)
	f.columns = slices.Compact(h.used)
	return f, nil
}

// line reads a row; false for what is not of a resource of EC2 or EBS.
func (f *layout) line(row []string) (price.BillLine, bool, error) {
	line, ok, err := f.read(row)
	if err != nil {
		return price.BillLine{}, false, fmt.Errorf("%s row: %w", f.name, err)
	}
	return line, ok, nil
}

// common are the columns that all formats have.
type common struct{ resource, account, region, start, end, currency column }

// fill takes over what all formats have. It is false for other resources.
func (c *common) fill(line *price.BillLine, row []string) (bool, error) {
	id, owner, area := reduce(c.resource.text(row))
	if !ours(id) {
		return false, nil
	}
	line.Resource = id
	line.Account, line.Region = fleet.Account(twelve(c.account.text(row))), fleet.Region(c.region.text(row))
	if line.Account == "" {
		line.Account = fleet.Account(owner)
	}
	if line.Region == "" {
		line.Region = fleet.Region(area)
	}
	var err error
	if line.Start, err = moment(c.start.text(row)); err != nil {
		return false, err
	}
	if line.End, err = moment(c.end.text(row)); err != nil {
		return false, err
	}
	if line.End.Before(line.Start) {
		return false, fmt.Errorf("%w: it ends before it begins", errRow)
	}
	if currency := c.currency.text(row); currency != "" && currency != "USD" {
		return false, fmt.Errorf("%w: the amount is in %.10q, not in USD", errRow, currency)
	}
	return true, nil
}

// reduce cuts an ARN down to the id of the resource, and gives its account and
// region.
func reduce(resource string) (id, account, region string) {
	if !strings.HasPrefix(resource, "arn:") {
		return resource, "", ""
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		return resource, "", ""
	}
	return parts[5][strings.LastIndexByte(parts[5], '/')+1:], parts[4], parts[3]
}

// ours are instances, volumes, snapshots, Dedicated Hosts, addresses and the
// network interfaces that have one, and capacity reservations.
func ours(id string) bool {
	prefix, rest, _ := strings.Cut(id, "-")
	switch prefix {
	case "i", "vol", "snap", "h", "eipalloc", "eni", "cr":
		return rest != ""
	}
	return false
}

// service is true for the services that charge for these resources; where the
// export does not say, the resource decides.
func service(code string) bool {
	switch code {
	case "", "AmazonEC2", "AmazonVPC", "AmazonCloudWatch",
		"Amazon Elastic Compute Cloud", "Amazon Virtual Private Cloud":
		return true
	}
	return false
}

// twelve gives an account number its leading zeros back, which spreadsheets
// take.
func twelve(account string) string {
	if account == "" || strings.Trim(account, "0123456789") != "" {
		return account
	}
	return strings.Repeat("0", max(12-len(account), 0)) + account
}
