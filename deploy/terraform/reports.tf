locals {
  own_bucket = var.report_bucket == "" ? 1 : 0
}

# Terraform deletes the bucket only where it is empty.
resource "aws_s3_bucket" "reports" {
  count         = local.own_bucket
  bucket_prefix = "${lower(var.name)}-reports-"
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "reports" {
  count                   = local.own_bucket
  bucket                  = aws_s3_bucket.reports[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "reports" {
  count  = local.own_bucket
  bucket = aws_s3_bucket.reports[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "reports" {
  count  = local.own_bucket
  bucket = aws_s3_bucket.reports[0].id

  rule {
    bucket_key_enabled = var.report_key_arn != "" ? true : null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.report_key_arn != "" ? "aws:kms" : "AES256"
      kms_master_key_id = var.report_key_arn != "" ? var.report_key_arn : null
    }
  }
}

resource "aws_s3_bucket_versioning" "reports" {
  count  = local.own_bucket
  bucket = aws_s3_bucket.reports[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "reports" {
  count      = local.own_bucket
  bucket     = aws_s3_bucket.reports[0].id
  depends_on = [aws_s3_bucket_versioning.reports]

  rule {
    id     = "replaced-reports"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }

  rule {
    id     = "broken-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "reports" {
  count      = local.own_bucket
  bucket     = aws_s3_bucket.reports[0].id
  depends_on = [aws_s3_bucket_public_access_block.reports]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyPlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.reports[0].arn, "${aws_s3_bucket.reports[0].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
