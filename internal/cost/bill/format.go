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

// layout makes lines of the rows of one file.
type layout struct {
	name   string
	index  map[string]int // canonical column to its number
	reader func(f *layout, row []string) (price.BillLine, bool, error)
	wanted []string
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

// layoutOf recognises a format. It names the columns that are needed and not
// there.
func layoutOf(columns []string) (*layout, error) {
	index := map[string]int{}
	for n, name := range columns {
		if _, twice := index[canonical(name)]; !twice {
			index[canonical(name)] = n
		}
	}
	has := func(name string) bool { _, ok := index[canonical(name)]; return ok }
	f := &layout{index: index}
	var needed []string
	switch {
	case has("BilledCost") || has("ChargePeriodStart"):
		f.name, f.reader, f.wanted = "FOCUS", (*layout).focus, focusColumns()
		needed = []string{"ResourceId", "BilledCost", "ChargePeriodStart", "ChargePeriodEnd", "SubAccountId"}
	case has("line_item_unblended_cost") || has("line_item_usage_type") || has("line_item_line_item_type"):
		f.name, f.reader, f.wanted = "CUR", (*layout).cur, curColumns()
		needed = []string{
			"line_item_resource_id", "line_item_unblended_cost", "line_item_usage_start_date", "line_item_usage_end_date",
			"line_item_usage_account_id", "line_item_usage_type", "line_item_line_item_type",
		}
	default:
		return nil, fleet.Errorf(fleet.ErrInvalid, "neither FOCUS nor a Cost and Usage Report: there is no column BilledCost or line_item_unblended_cost (lineItem/UnblendedCost)")
	}
	needed = slices.DeleteFunc(needed, has)
	if len(needed) > 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the %s export lacks the column %s; include it in the export", f.name, strings.Join(needed, " and the column "))
	}
	return f, nil
}

// used are the numbers of the columns that are read.
func (f *layout) used() []int {
	var used []int
	for _, name := range f.wanted {
		if n, ok := f.index[canonical(name)]; ok {
			used = append(used, n)
		}
	}
	slices.Sort(used)
	return slices.Compact(used)
}

// cell is the text of the first of the columns that is not empty.
func (f *layout) cell(row []string, names ...string) string {
	for _, name := range names {
		if n, ok := f.index[canonical(name)]; ok && n < len(row) {
			if text := strings.TrimSpace(row[n]); text != "" && !strings.EqualFold(text, "null") {
				return text
			}
		}
	}
	return ""
}

// line reads a row; false for what is not of a resource of EC2 or EBS.
func (f *layout) line(row []string) (price.BillLine, bool, error) {
	line, ok, err := f.reader(f, row)
	if err != nil {
		return price.BillLine{}, false, fmt.Errorf("%s row: %w", f.name, err)
	}
	return line, ok, nil
}

// common fills in what all formats have. It is false for other resources.
func (f *layout) common(line *price.BillLine, resource, account, region, start, end string) (bool, error) {
	id, owner, place := reduce(resource)
	if !ours(id) {
		return false, nil
	}
	line.Resource = id
	line.Account, line.Region = fleet.Account(twelve(account)), fleet.Region(region)
	if line.Account == "" {
		line.Account = fleet.Account(owner)
	}
	if line.Region == "" {
		line.Region = fleet.Region(place)
	}
	var err error
	if line.Start, err = moment(start); err != nil {
		return false, err
	}
	if line.End, err = moment(end); err != nil {
		return false, err
	}
	if line.End.Before(line.Start) {
		return false, fmt.Errorf("%w: it ends before it begins", errRow)
	}
	return true, nil
}

// reduce cuts an ARN down to the id of the resource, and tells its account and
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
