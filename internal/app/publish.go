package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/page"
	"nightshift/internal/cost/plain"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/cost/xlsx"
	"nightshift/internal/fleet"
)

// Format is a way to write a report.
type Format struct {
	Name   string                                // "xlsx"
	Ending string                                // ".xlsx"
	Media  string                                // the content type
	Write  func(io.Writer, sheet.Workbook) error `json:"-"`
}

// Formats are all ways to write a report, the first of them the default.
func Formats() []Format {
	return []Format{
		{"xlsx", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.Write},
		{"html", ".html", "text/html; charset=utf-8", page.Write},
		{"csv", ".csv", "text/csv; charset=utf-8", func(w io.Writer, r sheet.Workbook) error { return plain.WriteCSV(w, r, "EC2_Detail_Costs") }},
		{"json", ".json", "application/json", plain.WriteJSON},
		{"parquet", ".parquet", "application/vnd.apache.parquet", writeRows},
	}
}

// writeRows writes the rows of the report as the history keeps them.
func writeRows(w io.Writer, r sheet.Workbook) error {
	file, err := history.Encode(trend.RowsOf(r.Report))
	if err != nil {
		return err
	}
	_, err = w.Write(file)
	return err
}

// FormatOf is the format of a name, else the one that the file's name ends in,
// else, where it has no ending, the default.
func FormatOf(name, file string) (Format, error) {
	all := Formats()
	ending := path.Ext(file)
	var names []string
	for _, f := range all {
		if f.Name == name || name == "" && ending != "" && strings.EqualFold(ending, f.Ending) {
			return f, nil
		}
		names = append(names, f.Name)
	}
	switch {
	case name != "":
		return Format{}, fleet.Errorf(fleet.ErrInvalid, "--format %q: must be one of %s", name, strings.Join(names, ", "))
	case ending != "":
		return Format{}, fleet.Errorf(fleet.ErrInvalid, "--out %s: no format is known by %s; pass --format with one of %s", file, ending, strings.Join(names, ", "))
	}
	return all[0], nil
}

// Publication is where a report was stored.
type Publication struct {
	// To are the places that have it now, an object of S3 with its whole key.
	To []blob.Ref
	// Answer is what the first Lambda script answered, with more keys beside its.
	Answer cost.Answer
	// Run is the run's name in the journal, empty where it is not there.
	Run string `json:",omitempty"`
	// Failed are the places that could not be written.
	Failed []TargetError
}

// Publish writes a report once and stores it in files and buckets: the one place
// that does. A Ref of a bucket is the prefix of the key, which is completed with the
// report's date. Neither a file nor a key ever shows a part of a report. What was
// paid for is not thrown away: where one place can be written, another that cannot
// is a failure of the publication, not an error. Without a place nothing is stored.
// The run is then recorded in the journal.
func (s *Session) Publish(ctx context.Context, r ReportResult, f Format, to ...blob.Ref) (Publication, error) {
	p := Publication{Answer: r.Written("")}
	if len(to) == 0 {
		p.Answer.Body = "Report made and not stored (dry run)"
		return p, nil
	}
	ctx, run := s.app.begin(ctx, "publish")
	run.Started, run.Job, run.Calls = r.Started, r.Job, r.Calls
	err := s.publish(ctx, r, f, to, &p)
	if err == nil {
		p.Answer = answer(r, p)
		s.record(ctx, run, r.Record())
		p.Run = run.Name
	}
	run.end(fleet.StatusOf(err))
	return p, err
}

func (s *Session) publish(ctx context.Context, r ReportResult, f Format, to []blob.Ref, p *Publication) error {
	spool, err := blob.NewSpool(folderOf(to), f.Ending)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer spool.Close()
	if err := f.Write(spool, r.Workbook); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	var errs []error
	for _, ref := range to {
		if ref.Scheme == blob.S3 {
			ref.Path = cost.Key(ref.Path, r.Month.Now, f.Ending)
		}
		if err := s.put(ctx, spool, ref, f); err != nil {
			errs = append(errs, err)
			p.Failed = append(p.Failed, TargetError{Err: err})
			continue
		}
		p.To = append(p.To, ref)
	}
	if len(p.To) == 0 {
		return errors.Join(errs...)
	}
	return nil
}

// folderOf is the folder of the file that is written, in which it can be renamed;
// empty where there is none.
func folderOf(to []blob.Ref) string {
	for _, ref := range to {
		if ref.Scheme == blob.File {
			return path.Dir(ref.Path)
		}
	}
	return ""
}

func (s *Session) put(ctx context.Context, spool *blob.Spool, ref blob.Ref, f Format) error {
	if ref.Scheme == blob.S3 {
		return s.aws.Bucket(ref.Bucket).Put(ctx, ref.Path, f.Media, spool)
	}
	if err := spool.Replace(ref.Path); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// answer says where the report is.
func answer(r ReportResult, p Publication) cost.Answer {
	for _, failed := range p.Failed {
		r.Problems = append(slices.Clone(r.Problems), cost.Problem{What: "upload", Err: failed.Err})
	}
	var file string
	var object blob.Ref
	for _, ref := range p.To {
		if ref.Scheme == blob.S3 {
			object = ref
		} else {
			file = ref.Path
		}
	}
	if object.IsZero() {
		return r.Written(file)
	}
	a := r.Uploaded(object.Bucket, object.Path)
	if file != "" {
		a.Body += " and written to " + file
	}
	return a
}
