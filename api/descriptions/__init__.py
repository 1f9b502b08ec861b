"""What the OpenAPI document says of each operation, beside nothing but its shapes and examples."""
