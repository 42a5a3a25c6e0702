package nsqd

import "nsqsuite/protocol"

// topicLimits returns the limits of topics that have none of their own.
func (o *Options) topicLimits() protocol.QueueLimits {
	return protocol.QueueLimits{MaxAge: protocol.Duration(o.TopicMaxAge), MaxDepth: o.TopicMaxDepth, MaxBytes: o.TopicMaxBytes, Overflow: o.TopicOverflow}
}

// channelLimits returns the limits of channels that have none of their own.
func (o *Options) channelLimits() protocol.QueueLimits {
	return protocol.QueueLimits{MaxAge: protocol.Duration(o.ChannelMaxAge), MaxDepth: o.ChannelMaxDepth, MaxBytes: o.ChannelMaxBytes, Overflow: o.ChannelOverflow}
}
