package broker

import "testing"

// TestListedTwice holds that a topic that is listed twice has what both entries tell.
func TestListedTwice(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	meta := []TopicMeta{
		{Name: "t", Paused: true, Channels: []ChannelMeta{{Name: "a"}, {Name: "b", Paused: true}}},
		{Name: "t", Channels: []ChannelMeta{{Name: "b"}, {Name: "c"}}},
	}
	if err := b.Restore(meta); err != nil {
		t.Fatal(err)
	}
	got := b.Meta()
	if len(got) != 1 || !got[0].Paused || len(got[0].Channels) != 3 || !got[0].Channels[1].Paused || got[0].Channels[2].Paused {
		t.Errorf("got %+v", got)
	}
	if len(meta[0].Channels) != 2 {
		t.Error("what was told is changed")
	}
}
