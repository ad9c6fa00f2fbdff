package amazon

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
)

// answering answers every request with a body, as far as the body can be read.
type answering struct{ body io.Reader }

func (a answering) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(a.body)}, nil
}

// decodedBy reads a page of snapshots with our decoder, or with the SDK's.
func decodedBy(t interface{ Context() context.Context }, ours bool, body io.Reader) (page []fleet.Snapshot, next string, err error) {
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: answering{body}, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1})
	s := newSession()
	ask := capture(s, "ec2:DescribeSnapshots", client.DescribeSnapshots)
	if ours {
		ask = captureSnapshots(s, client)
	}
	out, err := ask(t.Context(), &ec2.DescribeSnapshotsInput{})
	if err != nil {
		return nil, "", err
	}
	return snapshots{region: "us-east-1"}.convert(out, &texts{}), aws.ToString(out.NextToken), nil
}

// document is an answer with one snapshot that has these elements.
func document(elements string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
    <snapshotSet>
        <item>
            ` + elements + `
        </item>
    </snapshotSet>
    <nextToken>abc=</nextToken>
</DescribeSnapshotsResponse>`
}

// Ours decodes what EC2 writes; anything else is left to the SDK, so that the answer is
// the same in any case.
func TestSnapshotsAreDecodedAsBySDK(t *testing.T) {
	for name, tt := range map[string]struct {
		elements string
		ours     bool
	}{
		"all": {`<snapshotId>snap-1</snapshotId><volumeId>vol-ffffffff</volumeId><status>error</status><statusMessage>no &lt;key&gt;</statusMessage>
			<startTime>2026-11-30T02:00:00.000Z</startTime><progress>100%</progress><ownerId>111122223333</ownerId><volumeSize>30</volumeSize>
			<description>"밤" &amp; &#x1F4BE;&#10;</description><encrypted>true</encrypted><kmsKeyId>arn:aws:kms:k</kmsKeyId><storageTier>archive</storageTier>
			<completionTime>2026-11-30T02:09:08.765Z</completionTime><fullSnapshotSizeInBytes>1099511627776</fullSnapshotSizeInBytes>
			<tagSet><item><key>Name</key><value>  a  b </value></item><item><key>empty</key><value/></item></tagSet>`, true},
		"empty elements":     {`<description/><tagSet/><kmsKeyId></kmsKeyId>`, true},
		"unknown elements":   {`<sseType>kms</sseType><new><item><a/><b>1</b></item></new><snapshotId>snap-1</snapshotId>`, true},
		"CDATA":              {`<description><![CDATA[a<b]]></description>`, false},
		"a comment":          {`<!-- c --><snapshotId>snap-1</snapshotId>`, false},
		"a prefix":           {`<x:snapshotId xmlns:x="y">snap-1</x:snapshotId>`, false},
		"an unknown entity":  {`<description>&nbsp;</description>`, false},
		"a tag that is open": {`<description>a`, false},
		"tags that differ":   {`<description>a</snapshotId>`, false},
		"no UTF-8":           {"<description>\xff</description>", false},
		"a control":          {"<description>\x01</description>", false},
		"no number":          {`<volumeSize>large</volumeSize>`, false},
		"a large number":     {`<volumeSize>9999999999</volumeSize>`, false},
		"no time":            {`<startTime>today</startTime>`, false},
		"no truth":           {`<encrypted>perhaps</encrypted>`, false},
	} {
		body := document(tt.elements)
		if out := decodeSnapshots([]byte(body)); (out != nil) != tt.ours {
			t.Errorf("%s: ours decodes it: %v", name, out != nil)
		}
		same(t, name, body)
	}
	for name, body := range map[string]string{
		"nothing": "", "no end": document("")[:200], "another root": "<html></html>", "Latin": strings.Replace(document("<description>a</description>"), "UTF-8", "ISO-8859-1", 1),
	} {
		if decodeSnapshots([]byte(body)) != nil {
			t.Errorf("%s: ours decodes it", name)
		}
		same(t, name, body)
	}
}

// same compares what both decoders make of a body, also where it breaks off.
func same(t interface {
	Context() context.Context
	Errorf(string, ...any)
}, name, body string,
) {
	broken := errors.New("the connection is broken")
	for _, end := range []error{nil, broken} {
		read := func() io.Reader { return io.MultiReader(strings.NewReader(body), failedReader{end}) }
		want, wantNext, wantErr := decodedBy(t, false, read())
		got, next, err := decodedBy(t, true, read())
		if diff := cmp.Diff(want, got); diff != "" || next != wantNext || (err == nil) != (wantErr == nil) || errors.Is(err, broken) != errors.Is(wantErr, broken) {
			t.Errorf("%s: next %q, want %q; error %v, want %v; snapshots (-want +got):\n%s", name, next, wantNext, err, wantErr, diff)
		}
	}
}

// Whatever texts there are, ours decodes them, and as the SDK does.
func TestAnySnapshotIsDecodedAsBySDK(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		escaped := func(label string) string {
			var out bytes.Buffer
			if err := xml.EscapeText(&out, []byte(rapid.String().Draw(t, label))); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		for _, name := range []string{"snapshotId", "volumeId", "status", "statusMessage", "description", "ownerId", "kmsKeyId", "storageTier"} {
			fmt.Fprintf(&b, "<%s>%s</%s>", name, escaped(name), name)
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), rapid.Int64Range(0, 999).Draw(t, "ms")*1e6).UTC().Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&b, "<startTime>%s</startTime><volumeSize>%d</volumeSize><encrypted>%t</encrypted><tagSet>", at, rapid.Int32().Draw(t, "size"), rapid.Bool().Draw(t, "encrypted"))
		for range rapid.IntRange(0, 9).Draw(t, "tags") {
			fmt.Fprintf(&b, "<item><key>%s</key><value>%s</value></item>", escaped("key"), escaped("value"))
		}
		b.WriteString("</tagSet>")
		body := document(b.String())
		if decodeSnapshots([]byte(body)) == nil {
			t.Errorf("ours does not decode %s", body)
		}
		same(t, "any", body)
	})
}
