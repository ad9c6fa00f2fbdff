package amazon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// captureSnapshots captures DescribeSnapshots with our own decoder for its answers.
func captureSnapshots(s *Session, client *ec2.Client) operation[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput] {
	var buffers sync.Pool
	decode := ec2.WithAPIOptions(func(stack *middleware.Stack) error {
		ours := &snapshotDecoder{buffers: &buffers}
		sdk, err := stack.Deserialize.Swap(ours.ID(), ours)
		ours.sdk = sdk
		return err
	})
	return capture(s, "ec2:DescribeSnapshots", func(ctx context.Context, in *ec2.DescribeSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
		return client.DescribeSnapshots(ctx, in, decode)
	})
}

// snapshotDecoder decodes answers of DescribeSnapshots, as far as snapshot uses them. The
// SDK decodes what is an error, or not in the form in which EC2 writes.
type snapshotDecoder struct {
	sdk     middleware.DeserializeMiddleware
	buffers *sync.Pool
}

// ID is that of the SDK's decoder, whose place it takes.
func (*snapshotDecoder) ID() string { return "OperationDeserializer" }

// HandleDeserialize decodes an answer.
func (d *snapshotDecoder) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil && answer.StatusCode == http.StatusOK {
		body, ok := d.buffers.Get().(*bytes.Buffer)
		if !ok {
			body = &bytes.Buffer{}
		}
		defer d.buffers.Put(body)
		body.Reset()
		_, failed := body.ReadFrom(answer.Body)
		if page := decodeSnapshots(body.Bytes()); page != nil && failed == nil {
			out.Result = page
			return out, metadata, answer.Body.Close()
		}
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(body, failedReader{failed}), answer.Body}
	}
	return d.sdk.HandleDeserialize(ctx, in, middleware.DeserializeHandlerFunc(
		func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
			return out, metadata, err
		}))
}

// failedReader ends as another reader has.
type failedReader struct{ err error }

func (r failedReader) Read([]byte) (int, error) {
	if r.err == nil {
		return 0, io.EOF
	}
	return 0, r.err
}

// decodeSnapshots is nil where a document is not in the form in which EC2 writes.
func decodeSnapshots(body []byte) *ec2.DescribeSnapshotsOutput {
	p := snapshotParser{elements: elements{rest: body}}
	out := &ec2.DescribeSnapshotsOutput{}
	p.root("DescribeSnapshotsResponse")
	p.each("DescribeSnapshotsResponse", func(name []byte) {
		switch string(name) {
		case "nextToken":
			out.NextToken = p.string(name)
		case "snapshotSet":
			p.each("snapshotSet", func(item []byte) {
				out.Snapshots = append(out.Snapshots, p.snapshot(item))
			})
		default:
			p.skip(name)
		}
	})
	if p.broken {
		return nil
	}
	return out
}

type snapshotParser struct {
	elements
	same  texts
	space []string // where pointers to texts point to
}

// item reads the children of an element of a list.
func (p *snapshotParser) item(name []byte, child func(name []byte)) {
	if string(name) != "item" {
		p.broken = true
		return
	}
	p.each("item", child)
}

func (p *snapshotParser) snapshot(item []byte) (s types.Snapshot) {
	p.item(item, func(name []byte) {
		switch string(name) {
		case "snapshotId":
			s.SnapshotId = p.string(name)
		case "volumeId":
			s.VolumeId = p.string(name)
		case "status":
			s.State = types.SnapshotState(p.word(name))
		case "startTime":
			s.StartTime = p.time(name)
		case "ownerId":
			s.OwnerId = p.string(name)
		case "volumeSize":
			s.VolumeSize = aws.Int32(int32(p.number(name, 32))) //nolint:gosec // number has refused more
		case "fullSnapshotSizeInBytes":
			s.FullSnapshotSizeInBytes = aws.Int64(p.number(name, 64))
		case "storageTier":
			s.StorageTier = types.StorageTier(p.word(name))
		case "completionTime":
			s.CompletionTime = p.time(name)
		case "statusMessage":
			s.StateMessage = p.string(name)
		case "encrypted":
			s.Encrypted = aws.Bool(p.flag(name))
		case "kmsKeyId":
			s.KmsKeyId = p.string(name)
		case "description":
			s.Description = p.string(name)
		case "tagSet":
			p.each("tagSet", func(item []byte) { s.Tags = append(s.Tags, p.tag(item)) })
		default:
			p.skip(name)
		}
	})
	return s
}

func (p *snapshotParser) tag(item []byte) (t types.Tag) {
	p.item(item, func(name []byte) {
		switch string(name) {
		case "key":
			t.Key = p.string(name)
		case "value":
			t.Value = p.string(name)
		default:
			p.skip(name)
		}
	})
	return t
}

func (p *snapshotParser) word(name []byte) string { return p.same.ofBytes(p.text(name)) }

func (p *snapshotParser) string(name []byte) *string {
	if len(p.space) == 0 {
		p.space = make([]string, 256)
	}
	s := &p.space[0]
	p.space = p.space[1:]
	*s = p.word(name)
	return s
}

func (p *snapshotParser) time(name []byte) *time.Time {
	t, err := time.Parse(time.RFC3339, string(p.text(name)))
	p.broken = p.broken || err != nil
	return &t
}

func (p *snapshotParser) number(name []byte, bits int) int64 {
	n, err := strconv.ParseInt(string(p.text(name)), 10, bits)
	p.broken = p.broken || err != nil
	return n
}

func (p *snapshotParser) flag(name []byte) bool {
	text := string(p.text(name))
	p.broken = p.broken || text != "true" && text != "false"
	return text == "true"
}
