package xlsx

// WriteLimited is Write with sheets that hold no more than a number of rows.
var WriteLimited = write
