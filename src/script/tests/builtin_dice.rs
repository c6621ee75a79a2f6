//! What a client of a built-in script may send, by chance: the words of its protocol, extreme numbers and noise.

/// A small generator of numbers (xorshift64*).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub(super) fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    fn number(&mut self) -> String {
        const NUMBERS: &[&str] = &[
            "-9223372036854775808",
            "-9223372036854775807",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "-18446744073709551616",
            "99999999999999999999999999",
            "0",
            "-0",
            "+0",
            "-1",
            "1",
            "+1",
            "2147483647",
            "2147483648",
            "-2147483649",
            "4294967295",
            "4294967296",
            "65535",
            "65536",
            "1048575",
            "1048576",
            "1048577",
            "9000000000000000",
            "9000000000000",
            "1e9",
            "1.5",
            "0x10",
            "01",
            "",
            " 1",
            "1 ",
            "-",
            "+",
            "１",
            "٣",
            "NaN",
            "\u{fffd}",
        ];
        self.one_of(NUMBERS).to_owned()
    }

    /// A piece of a protocol: pieces in a row, of which some are numbers and noise.
    fn phrase(&mut self, words: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.below(8) {
            match self.below(10) {
                0 => bytes.extend(self.number().bytes()),
                1 => bytes.extend(self.noise(6)),
                2 => bytes.extend("浣犲ソ ß ŉ ﬃ é 😀 \u{fffd}".bytes()),
                _ => bytes.extend(self.one_of(words).bytes()),
            }
        }
        bytes
    }

    fn redis(&mut self) -> Vec<u8> {
        const COMMANDS: &[&str] = &[
            "PING",
            "ECHO",
            "SELECT",
            "HELLO",
            "INFO",
            "CONFIG",
            "COMMAND",
            "CLIENT",
            "GET",
            "SET",
            "DEL",
            "EXISTS",
            "INCR",
            "DECR",
            "INCRBY",
            "DECRBY",
            "KEYS",
            "TTL",
            "PTTL",
            "EXPIRE",
            "PEXPIRE",
            "PERSIST",
            "DBSIZE",
            "FLUSHALL",
            "SETRANGE",
            "get",
            "QUIT",
            "LPUSH",
            "RPUSH",
            "LPOP",
            "RPOP",
            "LRANGE",
            "LTRIM",
            "LREM",
            "LSET",
            "LINDEX",
            "RPOPLPUSH",
            "HSET",
            "HDEL",
            "HGETALL",
            "HINCRBY",
            "SADD",
            "SREM",
            "SPOP",
            "SRANDMEMBER",
            "SINTER",
            "SUNION",
            "ZADD",
            "ZREM",
            "ZRANGE",
            "ZINCRBY",
            "ZRANGEBYSCORE",
            "ZPOPMIN",
            "MSET",
            "MGET",
            "APPEND",
            "GETRANGE",
            "GETEX",
            "RENAME",
            "SCAN",
            "INCRBYFLOAT",
            "SUBSCRIBE",
            "PSUBSCRIBE",
            "UNSUBSCRIBE",
            "PUBLISH",
            "PUBSUB",
            "MULTI",
            "EXEC",
            "DISCARD",
            "WATCH",
            "RESET",
        ];
        const WORDS: &[&str] = &[
            "a",
            "b",
            "c",
            "",
            "*",
            "a*",
            "*a*b*",
            "**********",
            "[a-",
            "[^a]?\\",
            "WITHSCORES",
            "-inf",
            "(1",
            "nan",
            "MATCH",
            "\"a\\x00\"",
            "EX",
            "PX",
            "NX",
            "XX",
            "GET",
            "SET",
            "SETNAME",
            "GETNAME",
            "ID",
            "save",
            "\r\n",
            "\u{fffd}",
            "2",
            "3",
        ];
        let mut words = vec![self.one_of(COMMANDS).as_bytes().to_vec()];
        for _ in 0..self.below(5) {
            words.push(match self.below(4) {
                0 => self.number().into_bytes(),
                1 => self.noise(5),
                _ => self.one_of(WORDS).as_bytes().to_vec(),
            });
        }
        if self.below(4) == 0 {
            let mut line = words.join(&b' ');
            line.extend(if self.below(2) == 0 { &b"\n"[..] } else { b"\r\n" });
            return line;
        }
        let wrong = |dice: &mut Self, right: usize| {
            if dice.below(60) == 0 { dice.number() } else { right.to_string() }
        };
        let mut request = format!("*{}\r\n", wrong(self, words.len())).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", wrong(self, word.len())).bytes());
            request.extend(word);
            request.extend(b"\r\n");
        }
        request
    }

    fn binary(&mut self) -> Vec<u8> {
        let body = match self.below(4) {
            0 => self.noise(8),
            1 => [&[2][..], &self.noise(4)].concat(),
            2 => [&[3][..], "ßŉﬃ\u{fffd}😀".as_bytes(), &self.noise(3)].concat(),
            _ => vec![2, 0x80, 0, 0x80, 0],
        };
        let length = match self.below(12) {
            0 => u32::MAX,
            1 => 65_537,
            2 => 1 << 31,
            _ => body.len() as u32,
        };
        [&length.to_be_bytes()[..], &body].concat()
    }

    fn dns(&mut self) -> Vec<u8> {
        let words = |dice: &mut Self, all: &[u16]| all[dice.below(all.len())].to_be_bytes();
        let mut message = self.noise(2);
        message.extend(words(self, &[0x0100, 0, 0x0110, 0x2000, 0x7800, 0x8000]));
        message.extend(words(self, &[1, 1, 1, 0, 2, 65_535]));
        for _ in 0..3 {
            message.extend(words(self, &[0, 0, 0, 1, 2, 65_535]));
        }
        for _ in 0..self.below(4) {
            let piece = match self.below(6) {
                0 => b"\x01a\0\0\x01\0\x01".to_vec(),
                1 => b"\x03www\x01A\0\0\xff\0\xff".to_vec(),
                2 => b"\0\0\x29\x04\0\0\0\x80\0\0\0".to_vec(),
                3 => b"\xc0\x0c\0\x01\0\x01".to_vec(),
                4 => vec![63; 300],
                _ => self.noise(20),
            };
            message.extend(piece);
        }
        let length = if self.below(10) == 0 { self.below(65_536) } else { message.len() };
        [&(length as u16).to_be_bytes()[..], &message].concat()
    }

    fn modbus(&mut self) -> Vec<u8> {
        let mut body = vec![1, [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 7, 0x83][self.below(12)]];
        for _ in 0..self.below(6) {
            let words =
                [&b"\0\0"[..], b"\0\x01", b"\xff\xff", b"\x02\0\x01", b"\0\x7d", b"\x01", b"\xff\0", b"\0\x02\x04"];
            body.extend(self.one_of(&words));
        }
        let length = if self.below(12) == 0 { self.below(300) } else { body.len() };
        let protocol = u8::from(self.below(60) == 0);
        [&[9, 9, 0, protocol][..], &(length as u16).to_be_bytes(), &body].concat()
    }

    pub(super) fn piece(&mut self, name: &str) -> Vec<u8> {
        match (name, self.below(12)) {
            (_, 0) => self.noise(40),
            (_, 1) => {
                self.phrase(&["\r\n", "\n", " ", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "\0"])
            }
            ("redis", _) => self.redis(),
            ("binary", _) => self.binary(),
            ("dns", _) => self.dns(),
            ("modbus", _) => self.modbus(),
            ("memcached", _) => self.phrase(&[
                "get ",
                "gets a b\r\n",
                "gat ",
                "set a 0 0 2\r\nxy\r\n",
                "set a ",
                "add ",
                "append a 0 0 1\r\nx\r\n",
                "cas a 0 0 1 ",
                "incr a ",
                "decr a ",
                "delete a\r\n",
                "touch a ",
                "flush_all ",
                "stats\r\n",
                "verbosity ",
                "quit",
                " noreply",
                "0 ",
                "a ",
                "\r\n",
                "\n",
                " ",
            ]),
            ("syslog", _) => self.phrase(&[
                "<13>",
                "<191>1 ",
                "<192>",
                "5 ",
                "65536 ",
                "- ",
                "2003-10-11T22:14:15.003Z ",
                "Oct 11 22:14:15 ",
                "host ",
                "app[1]: ",
                "[a b=\"c\"]",
                "[a b=\"",
                "\\\"",
                "]",
                "\n",
                "\r\n",
                "\0",
                "\u{1b}[2J",
                "\u{feff}",
                "\u{202e}",
                " ",
            ]),
            ("http", _) => self.phrase(&[
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "HEAD ",
                "POST ",
                "GET ",
                "/ ",
                "* ",
                "http://",
                "HTTP/1.1\r\n",
                "HTTP/1.0\r\n",
                "HTTP/9.9\r\n",
                "Host: a\r\n",
                "Content-Length: ",
                "Content-Length: 5\r\n",
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                "5\r\nhello\r\n",
                "0\r\n\r\n",
                "Range: bytes=",
                "/../ /%2e%2e/ %",
                "Transfer-Encoding: chunked\r\n",
                "Expect: 100-continue\r\n",
                "Connection: close, keep-alive\r\n",
                ": ",
                "\r\n",
                "\r\n\r\n",
                "\n",
                "\r",
                " ",
            ]),
            ("mllp", _) => self.phrase(&[
                "\u{b}",
                "\u{1c}\r",
                "\r",
                "\u{b}MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|1\r\u{1c}\r",
                "MSH",
                "MSH|^~\\&",
                "|",
                "||||||",
                "ADT^A01|",
                "P|2.",
                "PID|",
            ]),
            ("scpi", _) => self.phrase(&[
                "*IDN?",
                "VOLT ",
                "volt?",
                "CURR ",
                "MEAS:VOLT?",
                "MEAS:",
                ":",
                ";",
                ",",
                "\n",
                "\r\n",
                "?",
                " ",
                "\"",
                "'",
                "MAX",
                "mV",
                "*ESE ",
                "*STB?",
                "SYST:ERR?",
                "OUTP ",
                "ON",
                "*RST",
                "CONF:CURR",
            ]),
            ("iso8583", _) => {
                const BITS: &[&str] =
                    &["0020000000000000", "FFFFFFFFFFFFFFFF", "8000000000000001", "7230040000808000", "zz"];
                let mut message = self.one_of(&["0800", "0200", "0100", "1804", "0401", "0810", "9999", ""]).to_owned();
                message.push_str(self.one_of(BITS));
                let mut message = message.into_bytes();
                for _ in 0..self.below(12) {
                    message.extend(self.one_of(&["123456", "000000000001", "16", "999", "C", " ", "x"]).bytes());
                }
                message.extend(self.noise(2));
                let length = if self.below(20) == 0 { self.below(65_536) } else { message.len() };
                [&(length as u16).to_be_bytes()[..], &message].concat()
            }
            ("telnet", _) => self
                .phrase(&["help\r\n", "quit\r\n", "\r\0", "\n", "?", "text"])
                .into_iter()
                .flat_map(|byte| match byte {
                    b'e' => vec![255, 250, 255, 240],
                    b'u' => vec![255, 253, 31, 255, 253, 24, 255, 250, 24, 1, 255, 240],
                    _ => vec![byte],
                })
                .collect(),
            ("smtp", _) => self.phrase(&[
                "EHLO me\r\n",
                "HELO ",
                "MAIL FROM:<a@b>\r\n",
                "MAIL FROM:<a@b> SIZE=",
                "RCPT TO:<c@d>\r\n",
                "RCPT TO:",
                "<@a,@b:\"x\\\" y\"@c>",
                "DATA\r\n",
                "DATA\r\nx\r\n..y\r\n.\r\n",
                "RSET\r\n",
                "NOOP ",
                "VRFY ",
                "BODY=8BITMIME",
                ".",
                "\r\n.\r\n",
                "\r\n",
                "\n",
                "\r",
                " ",
            ]),
            ("chat", _) => self.phrase(&[
                "NICK ",
                "NICK a\n",
                "NICK b\n",
                "/msg ",
                "/msg a ",
                "/who\n",
                "/encoding ",
                "/encoding gbk\n",
                "/encoding utf-16\n",
                "/encoding iso-2022-jp\n",
                "/quit\n",
                "/",
                "\n",
                " ",
                "\t",
                "\u{3000}",
                "operator",
            ]),
            _ => self.phrase(&[
                "HELO x\r\n",
                "MAIL from\r\n",
                "QUIT\r\n",
                "cut",
                "wait\n",
                "big\n",
                "\n",
                "\r\n",
                "text ",
            ]),
        }
    }
}
