resource "aws_iam_role" "function" {
  name_prefix          = "${substr(var.name, 0, 25)}-function-"
  description          = "What nightshift may do."
  path                 = local.path
  permissions_boundary = local.boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# What nightshift does: exactly what `nightshift policy` prints.
resource "aws_iam_policy" "work" {
  count  = length(var.policies)
  name   = "${var.name}-${count.index + 1}"
  path   = local.path
  policy = var.policies[count.index]
  tags   = var.tags
}

resource "aws_iam_role_policy_attachment" "work" {
  count      = length(var.policies)
  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.work[count.index].arn
}

resource "aws_iam_role_policy" "runtime" {
  name = "runtime"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.log.arn}:*"
      },
      {
        Sid      = "KeepUndelivered"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.undelivered.arn
      },
      ], local.rules ? [{
        Sid       = "FindReports"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = "arn:${local.partition}:s3:::${local.bucket}"
        Condition = { StringLike = { "s3:prefix" = "${var.report_prefix}*" } }
    }] : [])
  })
}

resource "aws_iam_role_policy" "volume_keys" {
  count = length(var.volume_key_arns) > 0 ? 1 : 0
  name  = "keys"
  role  = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartWithEncryptedVolumes"
      Effect   = "Allow"
      Action   = ["kms:CreateGrant"]
      Resource = var.volume_key_arns
      Condition = {
        Bool       = { "kms:GrantIsForAWSResource" = "true" }
        StringLike = { "kms:ViaService" = "ec2.*.${local.suffix}" }
        "ForAllValues:StringEquals" = {
          "kms:EncryptionContextKeys" = "aws:ebs:id"
          "kms:GrantOperations"       = "Decrypt"
        }
        Null = {
          "kms:EncryptionContextKeys" = "false"
          "kms:GrantOperations"       = "false"
        }
      }
    }]
  })
}

locals {
  # The keys of data by the names of their policies.
  data_keys = merge(
    length(var.data_key_arns) > 0 ? { "data-keys" = var.data_key_arns } : {},
    var.report_key_arn != "" ? { "report-key" = [var.report_key_arn] } : {},
  )
}

resource "aws_iam_role_policy" "data_keys" {
  for_each = local.data_keys
  name     = each.key
  role     = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "UseKeysOfBuckets"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = each.value
        Condition = { StringLike = { "kms:ViaService" = "s3.*.${local.suffix}" } }
      },
      {
        Sid       = "UseKeysOfParameters"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = each.value
        Condition = { StringLike = { "kms:ViaService" = "ssm.*.${local.suffix}" } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "licenses" {
  count = var.license_manager ? 1 : 0
  name  = "licenses"
  role  = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartLicensed"
      Effect   = "Allow"
      Action   = ["ec2:StartInstances"]
      Resource = ["arn:${local.partition}:license-manager:*:*:license-configuration:*"]
    }]
  })
}

# Only schedules of this account and this group may use the role.
resource "aws_iam_role" "scheduler" {
  name_prefix          = "${substr(var.name, 0, 25)}-schedule-"
  description          = "Lets the schedules call nightshift."
  path                 = local.path
  permissions_boundary = local.boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = aws_scheduler_schedule_group.schedules.arn
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "call" {
  name = "call"
  role = aws_iam_role.scheduler.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "CallFunction"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = aws_lambda_function.nightshift.arn
      },
      {
        Sid      = "KeepUndelivered"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.undelivered.arn
      },
    ]
  })
}
