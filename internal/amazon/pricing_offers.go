package amazon

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"

	"nightshift/internal/fleet"
)

// offerFormat is the format of the price list's files that is read.
const offerFormat = "json"

// offerTries bounds the tries to open a file: the servers of the files are
// others than those of the API, and the SDK does not try again there.
const offerTries = 3

// Offer opens the price list of EC2 and EBS in a region as it was at an instant,
// in the JSON format of the bulk offer files: several hundred megabytes, which
// are not kept in memory. The caller closes it. A file that ends early makes
// reading fail. It is fleet.ErrNotFound where AWS has no such list.
func (p *Prices) Offer(ctx context.Context, region fleet.Region, at time.Time) (io.ReadCloser, error) {
	arn, err := p.offerARN(ctx, region, at)
	if err != nil {
		return nil, fmt.Errorf("find the price list of %s as of %s: %w", region, at.UTC().Format(time.DateOnly), err)
	}
	out, err := p.getFileURL(ctx, &pricing.GetPriceListFileUrlInput{PriceListArn: aws.String(arn), FileFormat: aws.String(offerFormat)})
	if err != nil {
		return nil, fmt.Errorf("find the file of the price list %s: %w", arn, err)
	}
	file, err := p.open(ctx, aws.ToString(out.Url))
	if err != nil {
		return nil, fmt.Errorf("read the price list %s: %w", arn, err)
	}
	return file, nil
}

// offerARN finds the list that was in force at an instant.
func (p *Prices) offerARN(ctx context.Context, region fleet.Region, at time.Time) (string, error) {
	in := &pricing.ListPriceListsInput{
		ServiceCode: aws.String(ec2List), RegionCode: aws.String(string(region)), CurrencyCode: aws.String("USD"),
		EffectiveDate: aws.Time(at), MaxResults: aws.Int32(productsPerPage),
	}
	next := func(out *pricing.ListPriceListsOutput) *string { return out.NextToken }
	for out, err := range pages(ctx, p.listPriceLists, in, &in.NextToken, next) {
		if err != nil {
			return "", err
		}
		for _, list := range out.PriceLists {
			if aws.ToString(list.RegionCode) == string(region) && slices.Contains(list.FileFormats, offerFormat) {
				return aws.ToString(list.PriceListArn), nil
			}
		}
	}
	return "", fleet.Errorf(fleet.ErrNotFound, "AWS has no list of EC2 prices in dollars for it; check the region's code and the date")
}

// open sends the request for a file, and once more where the server fails.
func (p *Prices) open(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the address %q of the file cannot be used: %w", url, err)
	}
	request.Header.Set("Accept-Encoding", "gzip")
	for try := 1; ; try++ {
		answer, err := p.client.Do(request)
		if err == nil && answer.StatusCode == http.StatusOK {
			return unpacked(answer)
		}
		failed := err != nil
		if failed {
			err = fleet.Errorf(fleet.ErrUnavailable, "%s does not answer: %w", request.URL.Host, root(err))
		} else {
			answer.Body.Close()
			failed = answer.StatusCode >= http.StatusInternalServerError
			err = fleet.Errorf(fleet.ErrUnavailable, "%s answers %s", request.URL.Host, answer.Status)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !failed || try == offerTries:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		}
	}
}

// offerFile is the body of an answer, unpacked where it is packed.
type offerFile struct {
	io.Reader
	body io.Closer
	host string
}

func unpacked(answer *http.Response) (io.ReadCloser, error) {
	file := &offerFile{Reader: answer.Body, body: answer.Body, host: answer.Request.URL.Host}
	if strings.EqualFold(answer.Header.Get("Content-Encoding"), "gzip") {
		unzip, err := gzip.NewReader(answer.Body)
		if err != nil {
			answer.Body.Close()
			return nil, fleet.Errorf(fleet.ErrUnavailable, "the answer of %s cannot be unpacked: %w", file.host, err)
		}
		file.Reader = unzip
	}
	return file, nil
}

// Read says of a file that breaks off that the connection did.
func (f *offerFile) Read(into []byte) (int, error) {
	n, err := f.Reader.Read(into)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	return n, fleet.Errorf(fleet.ErrUnavailable, "the price list from %s breaks off: %w", f.host, err)
}

// Close ends the connection.
func (f *offerFile) Close() error { return f.body.Close() }
