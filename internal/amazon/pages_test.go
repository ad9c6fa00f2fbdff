package amazon

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
)

// book answers with pages of numbers; a token is the number of the page.
type book struct {
	pages [][]int
	fails int // the page that cannot be read
	asked []string
}

type (
	bookIn  struct{ token *string }
	bookOut struct {
		numbers []int
		next    *string
	}
)

var errTorn = errors.New("the page is torn")

func (b *book) read(_ context.Context, in *bookIn) (*bookOut, error) {
	n := 0
	if in.token != nil {
		n, _ = strconv.Atoi(*in.token)
	}
	b.asked = append(b.asked, strconv.Itoa(n))
	if n == b.fails {
		return nil, errTorn
	}
	out := &bookOut{numbers: b.pages[n]}
	if n+1 < len(b.pages) {
		next := strconv.Itoa(n + 1)
		out.next = &next
	}
	return out, nil
}

func (b *book) all(t *testing.T) ([]string, error) {
	in := &bookIn{}
	return collect(each(pages(t.Context(), b.read, in, &in.token, func(out *bookOut) *string { return out.next }),
		func(out *bookOut) []int { return out.numbers }, strconv.Itoa))
}

func TestPages(t *testing.T) {
	for name, tt := range map[string]struct {
		book  book
		want  []string
		asked []string
		err   error
	}{
		"one page":               {book{pages: [][]int{{1, 2}}, fails: -1}, []string{"1", "2"}, []string{"0"}, nil},
		"an empty one between":   {book{pages: [][]int{{1}, {}, {2}}, fails: -1}, []string{"1", "2"}, []string{"0", "1", "2"}, nil},
		"nothing":                {book{pages: [][]int{{}}, fails: -1}, nil, []string{"0"}, nil},
		"an error in the middle": {book{pages: [][]int{{1}, {2}, {3}}, fails: 1}, []string{"1"}, []string{"0", "1"}, errTorn},
	} {
		got, err := tt.book.all(t)
		if !errors.Is(err, tt.err) || !slices.Equal(got, tt.want) || !slices.Equal(tt.book.asked, tt.asked) {
			t.Errorf("%s: %v, %v, asked for %v; want %v, %v, %v", name, got, err, tt.book.asked, tt.want, tt.err, tt.asked)
		}
	}
}

// Who has seen enough does not ask for the next page.
func TestPagesEndWithTheReader(t *testing.T) {
	b := book{pages: [][]int{{1, 2}, {3}}, fails: -1}
	in := &bookIn{}
	for out, err := range pages(t.Context(), b.read, in, &in.token, func(out *bookOut) *string { return out.next }) {
		if err != nil || len(out.numbers) != 2 {
			t.Fatal(out, err)
		}
		break
	}
	if len(b.asked) != 1 {
		t.Errorf("asked for %v", b.asked)
	}
}
