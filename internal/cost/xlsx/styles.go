package xlsx

import (
	"time"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost"
	"nightshift/internal/price"
)

// styles are the workbook's cell styles by what they show.
type styles struct {
	header, headerOfNumbers          int
	text, textAmongNumbers           int
	doubtful, bad                    int
	count, money, rate               int
	hours, moment                    int
	leftCount, leftHours, leftMoment int
}

const (
	countFormat  = "#,##0"
	moneyFormat  = "#,##0.00"
	rateFormat   = "#,##0.0000######"
	momentFormat = "yyyy-mm-dd hh:mm"
)

func newStyles(f *excelize.File) (styles, error) {
	var s styles
	heading := func(align string) *excelize.Style {
		return &excelize.Style{
			Font:      &excelize.Font{Bold: true, Color: "FFFFFF", Family: "Calibri", Size: 11},
			Fill:      fill("1F3A5F"),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: align, Indent: indent(align)},
		}
	}
	number := func(format, align string) *excelize.Style {
		return &excelize.Style{CustomNumFmt: &format, Alignment: &excelize.Alignment{Horizontal: align, Indent: indent(align)}}
	}
	// The text format keeps text from becoming a formula when a cell is edited
	// and entered again.
	const text = 49
	for _, each := range []struct {
		id    *int
		style *excelize.Style
	}{
		{&s.header, heading("left")},
		{&s.headerOfNumbers, heading("right")},
		{&s.text, &excelize.Style{NumFmt: text}},
		{&s.textAmongNumbers, &excelize.Style{NumFmt: text, Alignment: &excelize.Alignment{Horizontal: "right", Indent: 1}}},
		{&s.doubtful, &excelize.Style{NumFmt: text, Fill: fill("FFF2CC")}},
		{&s.bad, &excelize.Style{NumFmt: text, Fill: fill("F8CBAD")}},
		{&s.count, number(countFormat, "right")},
		{&s.money, number(moneyFormat, "right")},
		{&s.rate, number(rateFormat, "right")},
		{&s.hours, number(moneyFormat, "right")},
		{&s.moment, number(momentFormat, "right")},
		{&s.leftCount, number(countFormat, "left")},
		{&s.leftHours, number(moneyFormat, "left")},
		{&s.leftMoment, number(momentFormat, "left")},
	} {
		id, err := f.NewStyle(each.style)
		if err != nil {
			return s, err
		}
		*each.id = id
	}
	return s, nil
}

// indent keeps what is aligned to the right off the column that follows.
func indent(align string) int {
	if align == "right" {
		return 1
	}
	return 0
}

func fill(color string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
}

// heading is the style of a column's header, aligned as the column is.
func (s styles) heading(format cost.Format) int {
	switch format {
	case cost.Text, cost.Status, cost.Mixed:
		return s.header
	default:
		return s.headerOfNumbers
	}
}

// of is the style of a value in a column.
func (s styles) of(format cost.Format, value any) int {
	left := format == cost.Mixed
	switch v := value.(type) {
	case string:
		switch format {
		case cost.Status:
			return s.status(price.Status(v))
		case cost.Text, cost.Mixed:
			return s.text
		default:
			return s.textAmongNumbers
		}
	case price.USD:
		if format == cost.Rate {
			return s.rate
		}
		return s.money
	case time.Duration:
		return pick(left, s.leftHours, s.hours)
	case time.Time:
		return pick(left, s.leftMoment, s.moment)
	default:
		return pick(left, s.leftCount, s.count)
	}
}

func (s styles) status(status price.Status) int {
	switch status {
	case price.Missing, price.Ambiguous:
		return s.bad
	case price.Fallback:
		return s.doubtful
	default:
		return s.text
	}
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}
