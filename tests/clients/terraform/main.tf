# Tables as people declare them. -var step=1 makes them, 2 and 3 change them; after each apply a plan must find no difference.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  type = string
}

variable "step" {
  type    = number
  default = 1
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {
    dynamodb = var.endpoint
  }
}

# On demand, with everything that a table may have: indexes of both kinds, expiry, tags, no recovery.
resource "aws_dynamodb_table" "orders" {
  name                        = "tf-orders"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "customer"
  range_key                   = "placed"
  deletion_protection_enabled = var.step == 2

  attribute {
    name = "customer"
    type = "S"
  }
  attribute {
    name = "placed"
    type = "N"
  }
  attribute {
    name = "state"
    type = "S"
  }
  attribute {
    name = "total"
    type = "N"
  }

  local_secondary_index {
    name            = "by-total"
    range_key       = "total"
    projection_type = "KEYS_ONLY"
  }
  global_secondary_index {
    name               = "by-state"
    hash_key           = "state"
    range_key          = "placed"
    projection_type    = "INCLUDE"
    non_key_attributes = ["total", "note"]
  }
  dynamic "global_secondary_index" {
    for_each = var.step == 2 ? ["by-total-of-all"] : []
    content {
      name            = global_secondary_index.value
      hash_key        = "total"
      projection_type = "ALL"
    }
  }
  ttl {
    attribute_name = "until"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = false
  }
  tags = var.step == 1 ? { team = "sales", stage = "test" } : { team = "billing", owner = "ann" }
}

# Provisioned, then on demand, and back with other figures.
resource "aws_dynamodb_table" "meters" {
  name           = "tf-meters"
  billing_mode   = var.step == 2 ? "PAY_PER_REQUEST" : "PROVISIONED"
  read_capacity  = var.step == 2 ? null : 4 + var.step
  write_capacity = var.step == 2 ? null : 2 + var.step
  hash_key       = "meter"

  attribute {
    name = "meter"
    type = "B"
  }
  attribute {
    name = "place"
    type = "S"
  }
  global_secondary_index {
    name            = "by-place"
    hash_key        = "place"
    projection_type = "ALL"
    read_capacity   = var.step == 2 ? null : 2 + var.step
    write_capacity  = var.step == 2 ? null : 1 + var.step
  }
  dynamic "ttl" { # once on, it stays: the service refuses a second change within the hour
    for_each = var.step == 1 ? [] : ["until"]
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }
  lifecycle {
    ignore_changes = [tags, tags_all] # aws_dynamodb_tag below sets them
  }
}

resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.orders.name
  hash_key   = aws_dynamodb_table.orders.hash_key
  range_key  = aws_dynamodb_table.orders.range_key
  item = jsonencode({
    customer = { S = "ann" }
    placed   = { N = "1" }
    total    = { N = tostring(10 * var.step) }
    state    = { S = var.step == 1 ? "open" : "paid" }
    lines    = { L = [{ M = { sku = { S = "a-1" }, gift = { BOOL = true } } }] }
  })
}

resource "aws_dynamodb_tag" "extra" {
  resource_arn = aws_dynamodb_table.meters.arn
  key          = "set-by"
  value        = "step ${var.step}"
}

data "aws_dynamodb_table" "orders" {
  name       = aws_dynamodb_table.orders.name
  depends_on = [aws_dynamodb_table_item.first]
}

output "arn" {
  value = data.aws_dynamodb_table.orders.arn
}

output "ttl" {
  value = data.aws_dynamodb_table.orders.ttl
}
