package history

import (
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"

	"nightshift/internal/cost/trend"
)

// Schema is the schema of the files in the notation of Parquet.
func Schema() string {
	var text strings.Builder
	// A strings.Builder does not fail.
	_ = parquet.PrintSchemaIndent(&text, "history", parquet.SchemaOf(record{}), "  ", "\n")
	return text.String() + "\n"
}

// Athena is the statement that makes the history readable by Amazon Athena. The
// location is the folder above history/, such as "s3://bucket/reports/"; first
// is the first day of the history. Days are found by partition projection, so
// that no crawler is needed; the range ends tomorrow, because Athena's NOW is in
// UTC and the zone of the history may be ahead of it.
func Athena(table, location string, first trend.Date) string {
	location = strings.TrimSuffix(location, "/") + "/" + root
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE %s (\n", table)
	for n, column := range parquet.SchemaOf(record{}).Fields() {
		if n > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  %s %s", column.Name(), hiveType(column))
	}
	fmt.Fprintf(&b, `
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION '%[1]s'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '%[2]s,NOW+1DAY',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = '%[1]sdt=${dt}/'
)
`, location, first)
	return b.String()
}

// hiveType is a column's type as Hive and Athena write it.
func hiveType(node parquet.Node) string {
	kind := node.Type().String()
	if logical := node.Type().LogicalType(); logical != nil {
		kind = logical.String()
	}
	name, _, _ := strings.Cut(kind, "(")
	switch name {
	case "LIST":
		return "array<" + hiveType(node.Fields()[0].Fields()[0]) + ">"
	case "MAP":
		entry := node.Fields()[0].Fields()
		return "map<" + hiveType(entry[0]) + "," + hiveType(entry[1]) + ">"
	case "group":
		var members []string
		for _, f := range node.Fields() {
			members = append(members, f.Name()+":"+hiveType(f))
		}
		return "struct<" + strings.Join(members, ",") + ">"
	case "INT", "INT64":
		return "bigint"
	case "TIMESTAMP":
		return "timestamp"
	}
	return strings.ToLower(name) + strings.TrimPrefix(kind, name)
}
