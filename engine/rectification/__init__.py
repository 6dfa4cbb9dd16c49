"""The rectification ledger (整改台账): what people say of its items, and what they see of it."""
