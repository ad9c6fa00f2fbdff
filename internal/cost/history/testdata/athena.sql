CREATE EXTERNAL TABLE nightshift_history (
  generated timestamp,
  account string,
  region string,
  kind string,
  id string,
  name string,
  type string,
  state string,
  zone string,
  lifecycle string,
  tenancy string,
  operation string,
  belongs_to string,
  schedule string,
  tags map<string,string>,
  seconds bigint,
  seconds_elapsed bigint,
  seconds_month bigint,
  hours_source string,
  price_status string,
  parts array<struct<dimension:string,quantity:double,unit:string,rate_usd:decimal(18,10),sku:string,monthly_usd:decimal(18,10)>>,
  to_date_usd decimal(18,10),
  monthly_usd decimal(18,10),
  forecast_usd decimal(18,10)
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION 's3://example-bucket/nightshift/history/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW+1DAY',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://example-bucket/nightshift/history/dt=${dt}/'
)
