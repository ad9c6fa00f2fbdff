#!/bin/sh
# Draws docs/workbook.png: the first sheet of a workbook as it prints.
#
#   go run ./cmd/nightshift demo
#   sh docs/workbook.sh nightshift-demo/ec2_monthly_costs_*.xlsx
#
# Needs LibreOffice, pdftoppm (Poppler) and a font with Korean letters.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
soffice --headless --convert-to pdf --outdir "$work" "$1" >"$work/log" 2>&1
# The table's part of the page, in pixels.
pdftoppm -png -singlefile -r 150 -f 1 -l 1 -x 106 -y 140 -W 1536 -H 406 "$work"/*.pdf "$(dirname "$0")/workbook"
