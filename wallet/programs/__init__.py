"""What serves programs beside the API's answers: tokens, the stream of happenings, webhooks."""
