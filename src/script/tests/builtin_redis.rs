//! The collections, subscriptions and transactions of `@redis`.

use super::builtin_protocols::{Wire, redis};

/// An answer with `,` for line ends.
fn ask(wire: &mut Wire, line: &str) -> String {
    redis(wire, line).trim_end().replace("\r\n", ",")
}

#[track_caller]
fn talk(pairs: &[(&str, &str)]) {
    let mut wire = Wire::open("redis");
    for (request, answer) in pairs {
        assert_eq!(ask(&mut wire, request), *answer, "{request}");
    }
}

#[test]
fn redis_keeps_strings_and_times() {
    talk(&[
        ("MSET a 1 b 2", "+OK"),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
        ("MGET a nope b", "*3,$1,1,$-1,$1,2"),
        ("MSETNX b 3 c 4", ":0"),
        ("SETNX a 9", ":0"),
        ("SETNX c 9", ":1"),
        ("GETSET c 10", "$1,9"),
        ("SET c 11 GET", "$2,10"),
        ("APPEND c xyz", ":5"),
        ("STRLEN c", ":5"),
        ("GETRANGE c 1 -2", "$3,1xy"),
        ("GETRANGE c 9 12", "$0"),
        ("SETRANGE c 1 Z", ":5"),
        ("GETDEL c", "$5,1Zxyz"),
        ("EXISTS c", ":0"),
        ("INCRBYFLOAT f 1.5", "$3,1.5"),
        ("INCRBYFLOAT f 0.5", "$1,2"),
        ("INCRBYFLOAT f x", "-ERR value is not a valid float"),
        ("SETEX t 0 v", "-ERR invalid expire time in 'setex' command"),
        ("SETEX t 5000 v", "+OK"),
        ("SET t w KEEPTTL", "+OK"),
        ("PERSIST t", ":1"),
        ("PEXPIREAT t 1", ":1"),
        ("EXISTS t", ":0"),
        ("EXPIRE a 100 XX", ":0"),
        ("EXPIRE a 100 NX", ":1"),
        ("EXPIRE a 50 GT", ":0"),
        ("RENAME a d", "+OK"),
        ("RENAME a d", "-ERR no such key"),
        ("TTL d", ":100"),
        ("TYPE d", "+string"),
        ("TYPE a", "+none"),
        ("SCAN 0 MATCH [d-e] COUNT 5", "*2,$1,0,*1,$1,d"),
        ("KEYS [^b]?", "*0"),
        ("KEYS \\b", "*1,$1,b"),
    ]);
}

#[test]
fn redis_keeps_lists() {
    talk(&[
        ("RPUSH l 2 3", ":2"),
        ("LPUSH l 1 0", ":4"),
        ("LRANGE l 0 -1", "*4,$1,0,$1,1,$1,2,$1,3"),
        ("LRANGE l 1 1", "*1,$1,1"),
        ("LRANGE l 5 9", "*0"),
        ("LINDEX l -1", "$1,3"),
        ("LINDEX l 4", "$-1"),
        ("LSET l 1 x", "+OK"),
        ("LSET l 9 x", "-ERR index out of range"),
        ("LPOP l", "$1,0"),
        ("RPOP l 2", "*2,$1,3,$1,2"),
        ("LLEN l", ":1"),
        ("RPOPLPUSH l m", "$1,x"),
        ("EXISTS l", ":0"),
        ("LPOP l", "$-1"),
        ("LPOP l 2", "*-1"),
        ("LPUSHX l 1", ":0"),
        ("RPUSH m a b a c a", ":6"),
        ("LREM m -2 a", ":2"),
        ("LRANGE m 0 -1", "*4,$1,x,$1,a,$1,b,$1,c"),
        ("LTRIM m 1 2", "+OK"),
        ("LRANGE m 0 -1", "*2,$1,a,$1,b"),
        ("GET m", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("INCR m", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("LTRIM m 5 9", "+OK"),
        ("DBSIZE", ":0"),
        ("LPOP l -1", "-ERR value is out of range, must be positive"),
    ]);
}

#[test]
fn redis_lists_move_through_their_blocks() {
    let mut wire = Wire::open("redis");
    let mut model = std::collections::VecDeque::new();
    for step in 0..900_usize {
        let value = format!("v{step}");
        // Drifts to one side, then to the other.
        match (step % 4, step < 450) {
            (0 | 1, true) | (2, false) => {
                model.push_back(value.clone());
                ask(&mut wire, &format!("RPUSH l {value}"));
            }
            (2, true) | (0 | 1, false) => {
                model.push_front(value.clone());
                ask(&mut wire, &format!("LPUSH l {value}"));
            }
            (_, is_early) => {
                let wanted = if is_early { model.pop_front() } else { model.pop_back() }.unwrap();
                let found = ask(&mut wire, if is_early { "LPOP l" } else { "RPOP l" });
                assert_eq!(found, format!("${},{wanted}", wanted.len()), "step {step}");
            }
        }
    }
    let all: Vec<_> = model.iter().map(|value| format!("${},{value}", value.len())).collect();
    assert_eq!(ask(&mut wire, "LRANGE l 0 -1"), format!("*{},{}", model.len(), all.join(",")));
}

#[test]
fn redis_keeps_hashes_sets_and_sorted_sets() {
    talk(&[
        ("HSET h a 1 b 2", ":2"),
        ("HSET h a 3", ":0"),
        ("HSET h a", "-ERR wrong number of arguments for 'hset' command"),
        ("HGETALL h", "*4,$1,a,$1,3,$1,b,$1,2"),
        ("HMGET h a x", "*2,$1,3,$-1"),
        ("HINCRBY h a -5", ":-2"),
        ("HSETNX h a 1", ":0"),
        ("HEXISTS h b", ":1"),
        ("HDEL h a b x", ":2"),
        ("EXISTS h", ":0"),
        ("SADD s a b a", ":2"),
        ("SISMEMBER s b", ":1"),
        ("SADD r b c", ":2"),
        ("SINTER s r", "*1,$1,b"),
        ("SDIFF s r", "*1,$1,a"),
        ("SUNION s r", "*3,$1,a,$1,b,$1,c"),
        ("SREM s a x", ":1"),
        ("SPOP s", "$1,b"),
        ("SPOP s", "$-1"),
        ("SCARD r", ":2"),
        ("ZADD z 2 b 1 a 2 aa", ":3"),
        ("ZADD z x b", "-ERR value is not a valid float"),
        ("ZADD z CH 2.5 b 1 a", ":1"),
        ("ZRANGE z 0 -1 WITHSCORES", "*6,$1,a,$1,1,$2,aa,$1,2,$1,b,$3,2.5"),
        ("ZREVRANGE z 0 0", "*1,$1,b"),
        ("ZRANGEBYSCORE z (1 2", "*1,$2,aa"),
        ("ZCOUNT z -inf +inf", ":3"),
        ("ZRANK z b", ":2"),
        ("ZINCRBY z 5 a", "$1,6"),
        ("ZPOPMIN z", "*2,$2,aa,$1,2"),
        ("ZPOPMAX z 9", "*4,$1,a,$1,6,$1,b,$3,2.5"),
        ("ZCARD z", ":0"),
        ("HGET r a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ]);
}

#[test]
fn redis_subscribers_hear_what_is_published() {
    talk(&[
        ("SUBSCRIBE c d", "*3,$9,subscribe,$1,c,:1,*3,$9,subscribe,$1,d,:2"),
        ("PSUBSCRIBE c*", "*3,$10,psubscribe,$2,c*,:3"),
        (
            "GET a",
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
        ),
        ("PING", "*2,$4,pong,$0"),
        ("UNSUBSCRIBE d", "*3,$11,unsubscribe,$1,d,:2"),
        ("PUNSUBSCRIBE", "*3,$12,punsubscribe,$2,c*,:1"),
        ("UNSUBSCRIBE", "*3,$11,unsubscribe,$1,c,:0"),
        ("UNSUBSCRIBE", "*3,$11,unsubscribe,$-1,:0"),
        ("PUBLISH c hi", ":0"),
        ("PUBSUB CHANNELS", "*0"),
        ("PUBSUB NUMSUB c", "*2,$1,c,:0"),
    ]);
}

#[test]
fn redis_runs_transactions() {
    talk(&[
        ("EXEC", "-ERR EXEC without MULTI"),
        ("DISCARD", "-ERR DISCARD without MULTI"),
        ("MULTI", "+OK"),
        ("MULTI", "-ERR MULTI calls can not be nested"),
        ("SET a 1", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("LPUSH a x", "+QUEUED"),
        ("EXEC", "*3,+OK,:2,-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("MULTI", "+OK"),
        ("NOPE", "-ERR unknown command 'NOPE', with args beginning with:"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("WATCH a", "+OK"),
        ("SET a 5", "+OK"),
        ("MULTI", "+OK"),
        ("SET a 6", "+QUEUED"),
        ("EXEC", "*-1"),
        ("GET a", "$1,5"),
        ("MULTI", "+OK"),
        ("DISCARD", "+OK"),
        ("GET a", "$1,5"),
    ]);
}

#[test]
fn redis_reads_quoted_words_of_inline_commands() {
    let mut wire = Wire::open("redis");
    assert_eq!(wire.ask("SET 'a b' \"x\\r\\n\\x41\"\r\nGET \"a b\"\r\n"), "+OK\r\n$4\r\nx\r\nA\r\n");
    assert_eq!(wire.ask("GET \"a\r\n"), "-ERR Protocol error: unbalanced quotes in request\r\n");
    assert!(wire.closed);
}
