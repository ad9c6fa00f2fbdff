locals {
  topic    = var.alarm_topic_arn != "" ? var.alarm_topic_arn : aws_sns_topic.alarms[0].arn
  function = { FunctionName = aws_lambda_function.nightshift.function_name }
  power    = { Stack = var.name, Job = "power" }
  backup   = { Stack = var.name, Job = "backup" }

  # Jobs that somebody is called for where they do not come.
  awaited = merge(local.rules ? {
    Power = { does = "nightshift did not follow the schedules for three intervals.", dimension = local.power, period = var.power_period }
    } : {}, try(local.jobs["backup"].when, "") != "" ? {
    Backup = { does = "nightshift did not look for copies that are due for two intervals.", dimension = local.backup, period = var.backup_period }
  } : {})

  # An entry for each alarm on one metric. It fires above the threshold.
  alarms = merge({
    Errors = {
      does      = "A run of nightshift failed.", namespace = "AWS/Lambda", metric = "Errors"
      dimension = local.function, statistic = "Sum", period = 300, above = 0
    }
    Throttles = {
      does      = "A run of nightshift found no concurrency free.", namespace = "AWS/Lambda", metric = "Throttles"
      dimension = local.function, statistic = "Sum", period = 300, above = 0
    }
    Duration = {
      does      = "A run of nightshift took more than 80 % of the time that the function has.", namespace = "AWS/Lambda", metric = "Duration"
      dimension = local.function, statistic = "Maximum", period = 300, above = 720000
    }
    Undelivered = {
      does      = "An event of nightshift could not be handled and is in the queue.", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible"
      dimension = { QueueName = aws_sqs_queue.undelivered.name }, statistic = "Maximum", period = 300, above = 0
    }
    Dropped = {
      does      = "A schedule of nightshift could not call the function.", namespace = "AWS/Scheduler", metric = "InvocationDroppedCount"
      dimension = { ScheduleGroup = aws_scheduler_schedule_group.schedules.name }, statistic = "Sum", period = 300, above = 0
    }
    }, local.rules ? {
    PowerFailed = {
      does      = "Each run of three intervals failed in part or as a whole.", namespace = "nightshift", metric = "Failed"
      dimension = local.power, statistic = "Minimum", period = var.power_period, above = 0
    }
    Report = {
      does      = "The newest cost report is older than eight days.", namespace = "nightshift", metric = "ReportAgeSeconds"
      dimension = local.power, statistic = "Maximum", period = 3600, above = 691200
    }
    } : {}, var.backups ? {
    BackupFailed = {
      does      = "Each run of backups of two intervals failed in part or as a whole.", namespace = "nightshift", metric = "Failed"
      dimension = local.backup, statistic = "Minimum", period = var.backup_period, above = 0
    }
  } : {})
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}Alarm"
  alarm_description   = each.value.does
  actions_enabled     = var.enabled
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimension
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = "notBreaching"
  tags                = var.tags
}

# What was not measured counts as nothing, so that a job that is never called is seen.
# While the schedules are disabled the alarm holds itself in order.
resource "aws_cloudwatch_metric_alarm" "awaited" {
  for_each            = local.awaited
  alarm_name          = "${var.name}-${each.key}Alarm"
  alarm_description   = each.value.does
  actions_enabled     = var.enabled
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = var.enabled ? 1 : 0
  treat_missing_data  = var.enabled ? "breaching" : "notBreaching"
  tags                = var.tags

  metric_query {
    id          = "filled"
    expression  = "FILL(succeeded, 0)"
    label       = "Succeeded"
    return_data = true
  }

  metric_query {
    id          = "succeeded"
    return_data = false

    metric {
      namespace   = "nightshift"
      metric_name = "Succeeded"
      dimensions  = each.value.dimension
      period      = each.value.period
      stat        = "Sum"
    }
  }
}

# Not encrypted: CloudWatch cannot publish to a topic with the key alias/aws/sns.
resource "aws_sns_topic" "alarms" {
  count        = var.alarm_topic_arn == "" ? 1 : 0
  name         = "${var.name}-alarms"
  display_name = "nightshift"
  tags         = var.tags
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.alarm_topic_arn == "" ? 1 : 0
  arn   = aws_sns_topic.alarms[0].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PublishAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms[0].arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_topic_arn == "" && var.alarm_email != "" ? 1 : 0
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# Its name before there was more than one.
moved {
  from = aws_cloudwatch_metric_alarm.power[0]
  to   = aws_cloudwatch_metric_alarm.awaited["Power"]
}
