locals {
  rules     = var.config != "" && var.rules != false
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  suffix    = data.aws_partition.current.dns_suffix
  path      = var.role_path != "" ? var.role_path : "/nightshift/${var.name}/"
  boundary  = var.permissions_boundary != "" ? var.permissions_boundary : null
  bucket    = var.report_bucket != "" ? var.report_bucket : aws_s3_bucket.reports[0].bucket
}

resource "aws_lambda_function" "nightshift" {
  function_name = var.name
  description   = "Stops and starts tagged instances and writes the cost report."
  s3_bucket     = var.code_bucket
  s3_key        = var.code_key
  handler       = "bootstrap"
  runtime       = "provided.al2023"
  architectures = [var.architecture]
  memory_size   = 512
  timeout       = 900
  role          = aws_iam_role.function.arn
  tags          = var.tags

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.log.name
  }

  environment {
    variables = merge({
      GOMEMLIMIT          = "400MiB"
      NIGHTSHIFT_TAG      = "${var.tag_key}=${var.tag_value}"
      NIGHTSHIFT_REGIONS  = length(var.regions) > 0 ? join(",", var.regions) : local.region
      NIGHTSHIFT_TIMEZONE = var.timezone
      NIGHTSHIFT_STACK    = var.name
      NIGHTSHIFT_DRY_RUN  = tostring(var.dry_run)
      NIGHTSHIFT_BUCKET   = local.bucket
      NIGHTSHIFT_PREFIX   = var.report_prefix
      },
      var.config != "" ? { NIGHTSHIFT_CONFIG = var.config } : {},
      local.rules ? { NIGHTSHIFT_ACTION = "power" } : {},
    )
  }

  depends_on = [aws_iam_role_policy.runtime, aws_iam_role_policy_attachment.work]
}

resource "aws_lambda_function_event_invoke_config" "events" {
  function_name                = aws_lambda_function.nightshift.function_name
  qualifier                    = "$LATEST"
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.undelivered.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "log" {
  name              = "/nightshift/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.name}-undelivered"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}
