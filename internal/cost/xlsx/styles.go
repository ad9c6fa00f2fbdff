package xlsx

import (
	"time"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// styles are the workbook's cell styles by what they show.
type styles struct {
	header, headerOfNumbers            int
	text, textAmongNumbers             int
	doubtful, bad                      int
	count, decimal, money, rate        int
	hours, moment                      int
	leftCount, leftDecimal, leftMoment int

	// Those of the summary.
	title, section, label, link, big int
	quiet, quietWrapped, underBig    int
	figureText, figureCount          int
	figureMoney, figureRate          int
}

// The workbook's colours.
const (
	dark     = "1F3A5F"
	grey     = "595959"
	linkBlue = "1F5FA8"
	paleBlue = "C9DDF2"
)

const font = "Calibri"

// seriesColors can be distinguished by people who do not see all colours, too
// (Okabe and Ito, "Color Universal Design", 2008).
func seriesColors() []string { return []string{"0072B2", "D55E00", "009E73", "CC79A7"} }

const (
	countFormat = "#,##0"
	moneyFormat = "#,##0.00"
	// Two decimals always: "#,##0.##" would leave a point behind whole numbers.
	decimalFormat = moneyFormat
	rateFormat    = "#,##0.0000######"
	momentFormat  = "yyyy-mm-dd hh:mm"
	bigFormat     = `"$"#,##0.00`
)

// textFormat keeps text from becoming a formula when a cell is edited and
// entered again.
const textFormat = 49

func newStyles(f *excelize.File) (styles, error) {
	var s styles
	heading := func(align string) *excelize.Style {
		return &excelize.Style{
			Font:      &excelize.Font{Bold: true, Color: "FFFFFF", Family: font, Size: 11},
			Fill:      fill(dark),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: align, Indent: indent(align)},
		}
	}
	number := func(format, align string) *excelize.Style {
		return &excelize.Style{CustomNumFmt: &format, Alignment: &excelize.Alignment{Horizontal: align, Indent: indent(align)}}
	}
	for _, each := range []struct {
		id    *int
		style *excelize.Style
	}{
		{&s.header, heading("left")},
		{&s.headerOfNumbers, heading("right")},
		{&s.text, &excelize.Style{NumFmt: textFormat, Alignment: leftToRight()}},
		{&s.textAmongNumbers, &excelize.Style{NumFmt: textFormat, Alignment: &excelize.Alignment{Horizontal: "right", Indent: 1}}},
		{&s.doubtful, &excelize.Style{NumFmt: textFormat, Alignment: leftToRight(), Fill: fill("FFF2CC")}},
		{&s.bad, &excelize.Style{NumFmt: textFormat, Alignment: leftToRight(), Fill: fill("F8CBAD")}},
		{&s.count, number(countFormat, "right")},
		{&s.decimal, number(decimalFormat, "right")},
		{&s.money, number(moneyFormat, "right")},
		{&s.rate, number(rateFormat, "right")},
		{&s.hours, number(moneyFormat, "right")},
		{&s.moment, number(momentFormat, "right")},
		{&s.leftCount, number(countFormat, "left")},
		{&s.leftDecimal, number(moneyFormat, "left")},
		{&s.leftMoment, number(momentFormat, "left")},
		{&s.title, written(20, dark, true, "center")},
		{&s.section, &excelize.Style{
			Font:   &excelize.Font{Family: font, Bold: true, Size: 12, Color: dark},
			Border: []excelize.Border{{Type: "bottom", Style: 1, Color: "A6A6A6"}},
		}},
		{&s.label, wrapped(written(11, "000000", false, "center"))},
		{&s.link, wrapped(written(11, linkBlue, false, "center"))},
		{&s.quiet, written(10, grey, false, "center")},
		{&s.quietWrapped, wrapped(written(10, grey, false, "center"))},
		{&s.underBig, wrapped(written(10, grey, false, "top"))},
		{&s.big, shown(written(24, dark, true, "center"), bigFormat, "left")},
		{&s.figureText, shown(written(11, "000000", true, "center"), "@", "right")},
		{&s.figureCount, shown(written(11, "000000", true, "center"), countFormat, "right")},
		{&s.figureMoney, shown(written(11, "000000", true, "center"), moneyFormat, "right")},
		{&s.figureRate, shown(written(11, "000000", true, "center"), rateFormat, "right")},
	} {
		id, err := f.NewStyle(each.style)
		if err != nil {
			return s, err
		}
		*each.id = id
	}
	return s, nil
}

// leftToRight keeps a name in Arabic or Hebrew from moving to the other side of
// its column.
func leftToRight() *excelize.Alignment {
	return &excelize.Alignment{Horizontal: "left", ReadingOrder: 1}
}

// written is a style of the summary. Texts are of the text format.
func written(size float64, color string, bold bool, vertical string) *excelize.Style {
	return &excelize.Style{
		NumFmt: textFormat, Font: &excelize.Font{Family: font, Size: size, Color: color, Bold: bold},
		Alignment: &excelize.Alignment{Vertical: vertical, Horizontal: "left", ReadingOrder: 1},
	}
}

func wrapped(s *excelize.Style) *excelize.Style {
	s.Alignment.WrapText = true
	return s
}

// shown is the style with a format of numbers.
func shown(s *excelize.Style, format, align string) *excelize.Style {
	s.NumFmt, s.CustomNumFmt = 0, &format
	s.Alignment.Horizontal, s.Alignment.Indent = align, indent(align)
	return s
}

// figure is the style of a value of the summary.
func (s styles) figure(format sheet.Format) int {
	switch format {
	case sheet.Money:
		return s.figureMoney
	case sheet.Rate:
		return s.figureRate
	case sheet.Count:
		return s.figureCount
	default:
		return s.figureText
	}
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
func (s styles) heading(format sheet.Format) int {
	switch format {
	case sheet.Text, sheet.Status, sheet.Mixed:
		return s.header
	default:
		return s.headerOfNumbers
	}
}

// of is the style of a value in a column.
func (s styles) of(format sheet.Format, value any) int {
	left := format == sheet.Mixed
	switch v := value.(type) {
	case string:
		switch format {
		case sheet.Status:
			return s.status(v)
		case sheet.Text, sheet.Mixed:
			return s.text
		default:
			return s.textAmongNumbers
		}
	case price.USD:
		if format == sheet.Rate {
			return s.rate
		}
		return pick(left, s.leftDecimal, s.money)
	case float64:
		return pick(left, s.leftDecimal, s.decimal)
	case time.Duration:
		return pick(left, s.leftDecimal, s.hours)
	case time.Time:
		return pick(left, s.leftMoment, s.moment)
	default:
		return pick(left, s.leftCount, s.count)
	}
}

func (s styles) status(status string) int {
	switch sheet.GradeOf(status) {
	case sheet.Bad:
		return s.bad
	case sheet.Doubtful:
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
