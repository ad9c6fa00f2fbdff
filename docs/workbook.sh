#!/bin/sh
# Draws docs/workbook.png: the first sheet of a workbook as it prints. The demo
# leaves several; the last has the weeks.
#
#   go run ./cmd/nightshift demo
#   sh docs/workbook.sh nightshift-demo/ec2_monthly_costs_20261211.xlsx
#
# Needs LibreOffice, pdftoppm (Poppler) and a font with Korean letters.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
soffice --headless --convert-to pdf --outdir "$work" "$1" >"$work/log" 2>&1
# The page without its margins, in pixels.
pdftoppm -png -singlefile -r 120 -f 1 -l 1 -x 30 -y 30 -W 1100 -H 880 "$work"/*.pdf "$(dirname "$0")/workbook"
