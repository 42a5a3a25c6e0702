package session

import "testing"

const defaultReply = `{"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":60000,"tls_v1":false,"deflate":false,"deflate_level":6,` +
	`"max_deflate_level":6,"snappy":false,"sample_rate":0,"auth_required":false,"output_buffer_size":16384,"output_buffer_timeout":250,` +
	`"topology_region":"","topology_zone":""}`

// TestIdentify goes over the rows of protocol.md 4. The bounds of each field are
// tested in package protocol.
func TestIdentify(t *testing.T) {
	overAll(t, map[string]string{
		"without negotiation": `
			> IDENTIFY [{}]
			< OK
			> IDENTIFY a b [null]
			< OK
			> IDENTIFY [{"snappy":true,"tls_v1":true,"deflate":true}]
			< OK
			> PUB t [x]
			< OK`,
		"negotiation": `
			> IDENTIFY [{"feature_negotiation":true}]
			< ` + defaultReply + `
			> IDENTIFY [{"feature_negotiation":true,"heartbeat_interval":-1,"output_buffer_size":-1,"sample_rate":7,"msg_timeout":1000}]
			< {"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":1000,"tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,"sample_rate":7,"auth_required":false,"output_buffer_size":1,"output_buffer_timeout":0,"topology_region":"","topology_zone":""}
			> SUB t c
			< ! E_INVALID cannot SUB with heartbeats disabled
			< eof`,
		"body too big": `
			> IDENTIFY [=5001]
			< ! E_BAD_BODY IDENTIFY body too big 5001 > 5000
			< eof`,
		"body empty": `
			> IDENTIFY []
			< ! E_BAD_BODY IDENTIFY invalid body size 0
			< eof`,
		"body of negative size": `
			> IDENTIFY [=-2147483648]
			< ! E_BAD_BODY IDENTIFY invalid body size -2147483648
			< eof`,
		"no JSON": `
			> IDENTIFY [{}x]
			< ! E_BAD_BODY IDENTIFY failed to decode JSON body
			< eof`,
		"bad value": `
			> IDENTIFY [{"heartbeat_interval":999}]
			< ! E_BAD_BODY IDENTIFY heartbeat interval (999) is invalid
			< eof`,
	})
}
