package amazon

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
)

// listing answers with pages of numbers; a token is the number of the page.
type listing struct {
	pages [][]int
	fails int // the page that cannot be read
	asked []string
}

type (
	listingIn  struct{ token *string }
	listingOut struct {
		numbers []int
		next    *string
	}
)

var errTorn = errors.New("the page is torn")

func (b *listing) read(_ context.Context, in *listingIn) (*listingOut, error) {
	n := 0
	if in.token != nil {
		n, _ = strconv.Atoi(*in.token)
	}
	b.asked = append(b.asked, strconv.Itoa(n))
	if n == b.fails {
		return nil, errTorn
	}
	out := &listingOut{numbers: b.pages[n]}
	if n+1 < len(b.pages) {
		next := strconv.Itoa(n + 1)
		out.next = &next
	}
	return out, nil
}

func (b *listing) all(t *testing.T) ([]string, error) {
	in := &listingIn{}
	return collect(each(pages(t.Context(), b.read, in, &in.token, func(out *listingOut) *string { return out.next }),
		func(out *listingOut) []int { return out.numbers }, strconv.Itoa))
}

func TestPages(t *testing.T) {
	for name, tt := range map[string]struct {
		listing listing
		want    []string
		asked   []string
		err     error
	}{
		"one page":               {listing{pages: [][]int{{1, 2}}, fails: -1}, []string{"1", "2"}, []string{"0"}, nil},
		"an empty one between":   {listing{pages: [][]int{{1}, {}, {2}}, fails: -1}, []string{"1", "2"}, []string{"0", "1", "2"}, nil},
		"nothing":                {listing{pages: [][]int{{}}, fails: -1}, nil, []string{"0"}, nil},
		"an error in the middle": {listing{pages: [][]int{{1}, {2}, {3}}, fails: 1}, []string{"1"}, []string{"0", "1"}, errTorn},
	} {
		got, err := tt.listing.all(t)
		if !errors.Is(err, tt.err) || !slices.Equal(got, tt.want) || !slices.Equal(tt.listing.asked, tt.asked) {
			t.Errorf("%s: %v, %v, asked for %v; want %v, %v, %v", name, got, err, tt.listing.asked, tt.want, tt.err, tt.asked)
		}
	}
}

// Who has seen enough does not ask for the next page.
func TestPagesEndWithTheReader(t *testing.T) {
	b := listing{pages: [][]int{{1, 2}, {3}}, fails: -1}
	in := &listingIn{}
	for out, err := range pages(t.Context(), b.read, in, &in.token, func(out *listingOut) *string { return out.next }) {
		if err != nil || len(out.numbers) != 2 {
			t.Fatal(out, err)
		}
		break
	}
	if len(b.asked) != 1 {
		t.Errorf("asked for %v", b.asked)
	}
}
