//! Packing, digests, regular expressions, JSON and random numbers, with known vectors.

use super::Bench;
use crate::config::{Script, ScriptSource};

#[test]
fn pack_matches_python_struct() {
    // From python3: struct.pack(format, *values).hex()
    let vectors = [
        ("\">IBh\", [1, 2, -3]", "0000000102fffd"),
        ("\"<IBh\", [1, 2, -3]", "0100000002fdff"),
        (
            "\"=bBhHiIlLqQ\", [-128, 255, -32768, 65535, -2147483648, 4294967295, -1, 7, -9223372036854775807 - 1, 9223372036854775807]",
            "80ff0080ffff00000080ffffffffffffffff070000000000000000000080ffffffffffffff7f",
        ),
        ("\">efd\", [1.5, -2.25, 0.1]", "3e00c01000003fb999999999999a"),
        ("\"<efd\", [1.5, -2.25, 0.1]", "003e000010c09a9999999999b93f"),
        ("\"!4s2x3p?c\", [\"abcdef\", bytes(\"xyz\"), true, \"Z\"]", "616263640000027879015a"),
        ("\"> 2H 3x 0s B\", [1, 2, \"\", 3]", "0001000200000003"),
        ("\"<10p\", [\"hello\"]", "0568656c6c6f00000000"),
        ("\"<3p\", [\"hello\"]", "026865"),
        ("\"\", []", ""),
        // Unlike Python: the same on every machine, without padding.
        ("\"@BIn\", [1, 2, -1]", "0102000000ffffffffffffffff"),
        ("\"BHN\", [1, 2, 3]", "0102000300000000000000"),
        ("\">f\", [1]", "3f800000"),
    ];
    for (call, hex) in vectors {
        assert_eq!(Bench::eval(&format!("print(pack({call}).hex())")), hex, "{call}");
    }
    let long =
        Bench::eval("let s = \"\"; s.pad(299, 'x'); let b = pack(\"300p\", [s]); print([b.len(), b[0], b[299]])");
    assert_eq!(long, "[300, 255, 120]");
}

#[test]
fn unpack_reverses_pack() {
    let shown = Bench::eval(
        "print(hex(\"0000000102fffd\").unpack(\">IBh\")); print(hex(\"003e000010c09a9999999999b93f\").unpack(\"<efd\"));
         let b = hex(\"616263640000027879015a\").unpack(\"!4s2x3p?c\"); print([b[0].text(), b[1].text(), b[2], b[3].text()]);
         print(hex(\"80ff0080ffff00000080ffffffff\").unpack(\"<bBhHiI\")); print(hex(\"ffffffffffffffff\").unpack(\"q\"));
         print(hex(\"00 01 02 03 04\").unpack(\">H\", 1)); print(hex(\"00 01 02 03 04\").unpack(\"B\", -1)); print(blob().unpack(\"\"));
         print([pack_size(\">IBh\"), pack_size(\"10p 3x\"), pack_size(\"\")]);",
    );
    assert_eq!(
        shown,
        "[1, 2, -3]|[1.5, -2.25, 0.1]|[\"abcd\", \"xy\", true, \"Z\"]|[-128, 255, -32768, 65535, -2147483648, 4294967295]\
         |[-1]|[258]|[4]|[]|[7, 13, 0]"
    );
}

#[test]
fn pack_errors_name_code_position_and_bounds() {
    let cases = [
        ("pack(\"B\", [256])", "pack: 'B' at index 0 needs a number from 0 to 255, not 256"),
        ("pack(\">Bb\", [1, 128])", "pack: 'b' at index 1 needs a number from -128 to 127, not 128"),
        ("pack(\"I\", [-1])", "pack: 'I' at index 0 needs a number from 0 to 4294967295, not -1"),
        ("pack(\"Q\", [-1])", "pack: 'Q' at index 0 needs a number from 0 to 9223372036854775807, not -1"),
        ("pack(\"H\", [1.0])", "pack: 'H' at index 0 needs an integer, not float"),
        ("pack(\"f\", [\"x\"])", "pack: 'f' at index 0 needs a number, not string"),
        ("pack(\"f\", [1e39])", "pack: 1000000000000000000000000000000000000000 is too large for 'f' (index 0)"),
        ("pack(\"e\", [65520])", "pack: 65520 is too large for 'e' (index 0)"),
        ("pack(\"c\", [\"xy\"])", "pack: 'c' at index 0 needs one byte, a blob or a string, not 2 bytes"),
        ("pack(\"4s\", [1])", "pack: 's' at index 0 needs a blob or a string, not int"),
        ("pack(\"?\", [\"\"])", "pack: '?' at index 0 needs true, false or a number, not string"),
        ("pack(\"2B\", [1])", "pack: the format takes 2 values, the array has 1"),
        ("pack(\"B\", [1, 2])", "pack: the format takes 1 value, the array has 2"),
        ("pack(\"z\", [])", "pack: 'z' is no code; there are x c b B ? h H i I l L q Q n N e f d s p"),
        ("pack(\"B>\", [])", "pack: '>' stands only at the beginning of a format"),
        ("pack(\"B4\", [])", "pack: a count without its code in \"B4\""),
        ("pack(\"4 B\", [])", "pack: a count without its code in \"4 B\""),
        ("pack(\"99999999999999999999x\", [])", "pack: \"99999999999999999999x\" is larger than 4 MiB"),
        ("pack_size(\"4194305B\")", "pack_size: \"4194305B\" is larger than 4 MiB"),
        ("blob(3).unpack(\"I\")", "unpack: the format needs 4 bytes, the blob has 3"),
        ("blob(3).unpack(\"H\", 2)", "unpack: the format needs 2 bytes at 2, the blob has 3 in all"),
        ("blob(3).unpack(\"B\", -4)", "unpack: the format needs 1 byte at -4, the blob has 3 in all"),
        (
            "hex(\"ffffffffffffffff\").unpack(\"Q\")",
            "unpack: 18446744073709551615 ('Q') does not fit in a script's integer (at most 9223372036854775807)",
        ),
    ];
    for (call, message) in cases {
        let said = Bench::eval_error(call);
        assert_eq!(said, message, "{call}");
    }
}

#[test]
fn digests_match_the_vectors_of_their_standards() {
    let shown = |body: &str| Bench::eval(&format!("print({body})"));
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(shown("crc32(\"123456789\")"), 0xcbf4_3926_u32.to_string());
    assert_eq!(shown("crc32(bytes([]))"), "0");
    // RFC 1321, A.5
    assert_eq!(shown("md5(\"\").hex()"), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(shown("md5(\"message digest\").hex()"), "f96b697d7cb7938d525a2f31aaf161d0");
    // RFC 3174, 7.3
    assert_eq!(shown("sha1(\"abc\").hex()"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        shown("sha1(bytes(\"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\")).hex()"),
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    );
    // FIPS 180-4, as in NIST's examples
    assert_eq!(
        shown("bytes(\"abc\").sha256().hex()"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        shown("sha256(\"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\").hex()"),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    );
    // RFC 4231, cases 1, 2, 6 (a key longer than a block)
    assert_eq!(
        shown("hmac_sha256(blob(20, 0x0b), \"Hi There\").hex()"),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    assert_eq!(
        shown("hmac_sha256(\"Jefe\", \"what do ya want for nothing?\").hex()"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        shown("hmac_sha256(blob(131, 0xaa), \"Test Using Larger Than Block-Size Key - Hash Key First\").hex()"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
    assert_eq!(Bench::eval_error("md5(1)"), "md5 takes a blob or a string, not int");
    assert_eq!(Bench::eval_error("hmac_sha256([], \"x\")"), "hmac_sha256 takes a blob or a string, not array");
}

#[test]
fn base64_matches_the_vectors_of_rfc_4648() {
    let vectors =
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
    for (text, encoded) in vectors {
        assert_eq!(Bench::eval(&format!("print(bytes(\"{text}\").b64())")), encoded);
        assert_eq!(Bench::eval(&format!("print(b64(\"{encoded}\").text())")), text);
    }
    let shown = Bench::eval(
        "print(hex(\"fbff\").b64()); print(b64(\"-_8\").hex()); print(b64(\" Zm9v\\r\\n YmFy \").text()); print(b64(\"Zg\").text());",
    );
    assert_eq!(shown, "+/8=|fbff|foobar|f");
    assert_eq!(Bench::eval_error("b64(\"Zm9*\")"), "b64: \"Zm9*\" is not base64");
    assert_eq!(Bench::eval_error("b64(\"Z\")"), "b64: \"Z\" is not base64");
}

#[test]
fn xor_repeats_its_key() {
    let shown = Bench::eval(
        "print(xor(hex(\"00ff0f\"), hex(\"ff\")).hex()); print(xor(\"abc\", \"ab\").hex()); print(hex(\"010203\").xor(0x10).hex());
         print(xor(xor(\"secret\", \"key\"), \"key\").text()); print(xor(\"\", 1).len());",
    );
    assert_eq!(shown, "ff00f0|000002|111213|secret|0");
    assert_eq!(Bench::eval_error("xor(\"x\", \"\")"), "xor: the key is empty");
    assert_eq!(Bench::eval_error("xor(\"x\", 256)"), "xor: 256 is not a number from 0 to 255");
}

#[test]
fn patterns_find_in_text_and_in_bytes() {
    let shown = Bench::eval(
        "let r = re(\"(\\\\w+)=(?P<value>\\\\d+)?\"); print([r.test(\"a=1\"), r.test(bytes(\"a\")), r.find(\"none\")]);
         let m = r.find(\"你 ab=12;\"); print([m.start, m.end, m.matched, m.groups, m.names]);
         let m = r.find(bytes(\"你 ab=12;\")); print([m.start, m.end, m.matched.text(), m.groups[1].text(), m.names.value.text()]);
         let m = r.find(\"x=\"); print([m.groups, m.names]);
         print(re(\"(?-u)\\\\xff.\").find(hex(\"00ff0102\")).matched.hex()); print(r);",
    );
    assert_eq!(
        shown,
        "[true, false, ()]|[2, 7, \"ab=12\", [\"ab=12\", \"ab\", \"12\"], #{\"value\": \"12\"}]|[4, 9, \"ab=12\", \"ab\", \"12\"]\
         |[[\"x=\", \"x\", ()], #{\"value\": ()}]|ff01|(\\w+)=(?P<value>\\d+)?"
    );
}

#[test]
fn all_matches_are_found_and_replaced() {
    let shown = Bench::eval(
        "let r = re(\"(\\\\w)(\\\\d)\"); print(r.find_all(\"é a1 b2\").map(|m| [m.start, m.groups])); print(r.find_all(\"none\"));
         print(r.replace(\"a1 b2!\", \"$2$1\")); print(r.replace(bytes(\"a1\"), \"<${1}x$$>\").text()); print(re(\"x\").replace(\"axa\", \"\"));
         print(re(\"(?<n>.)\").replace(\"ab\", \"[$n]\")); print(re(\"\").find_all(\"ab\").len());
         print(type_of(re(\"a\").replace(bytes(\"a\"), bytes(\"b\"))));",
    );
    assert_eq!(shown, "[[2, [\"a1\", \"a\", \"1\"]], [5, [\"b2\", \"b\", \"2\"]]]|[]|1a 2b!|<ax$>|aa|[a][b]|3|blob");
}

#[test]
fn wrong_and_too_large_patterns_are_refused() {
    assert_eq!(Bench::eval_error("re(\"a(\")"), "re(\"a(\"): unclosed group");
    assert_eq!(
        Bench::eval_error("re(\"(?<=a)b\")"),
        "re(\"(?<=a)b\"): look-around, including look-ahead and look-behind, is not supported"
    );
    assert!(Bench::eval_error("re(\"\\\\w{1000}{10}\")").starts_with("re: the pattern is too large when compiled"));
    assert!(
        Bench::eval_error("let p = \"\"; p.pad(20000, 'a'); re(p)")
            .starts_with("re: the pattern is longer than 16384 bytes")
    );
    assert_eq!(Bench::eval_error("re(\"a\").find(1)"), "find takes a blob or a string, not int");
    let heavy = "re(\"([ab]*)([ab]{500})$\").find(blob(200000))";
    assert_eq!(Bench::eval_error(heavy), "find: with this pattern at most 33387 bytes at once");
    let source = ScriptSource::OnData("re(\"\").find_all(blob(100000))".into());
    let mut bench = Bench::try_open(source).unwrap();
    let said = bench.fail(&super::conn(1), super::data(b"x"));
    assert!(said.starts_with("--on-data:1:8: find_all: more than 65536 matches\n"), "{said}");
}

#[test]
fn json_goes_both_ways() {
    let shown = Bench::eval(
        r#"print(parse_json("[1, -2.5, \"a\\u00e9\\n\\ud83d\\ude00\", true, null, {\"k\": []}, 1e2]").to_json());
         print(#{ b: 1, a: [(), 'x', "q\"\\\r\u0001/"], c: 1.0 }.to_json()); print("text".to_json()); print(1.to_json()); print([].to_json());
         print(().to_json()); print(true.to_json()); print(parse_json("7") + 1); print(parse_json(" \"x\" ")); print(parse_json(bytes("{}")).len());
         print(parse_json("18446744073709551615")); print(parse_json("{\"a\": 1, \"a\": 2}").a); print(conn.state.to_json()); print(app.to_json());"#,
    );
    assert_eq!(
        shown,
        r#"[1,-2.5,"aé\n😀",true,null,{"k":[]},100.0]|{"a":[null,"x","q\"\\\r\u0001/"],"b":1,"c":1.0}|"text"|1|[]|null|true|8|x|0|1.8446744073709552e19|2|{}|{}"#
    );
}

#[test]
fn invalid_json_is_refused() {
    let cases = [
        ("parse_json(\"{a: 1}\")", "parse_json: key must be a string at line 1 column 2"),
        ("parse_json(\"\")", "parse_json: EOF while parsing a value at line 1 column 0"),
        ("parse_json(\"[1] 2\")", "parse_json: trailing characters at line 1 column 5"),
        ("parse_json(hex(\"22ff22\"))", "parse_json: invalid unicode code point at line 1 column 2"),
        ("blob(2).to_json()", "to_json: JSON has no bytes; make text of them with b.text(), b.hex() or b.b64()"),
        ("#{ c: conn }.to_json()", "to_json: a value of type Conn has no JSON"),
        ("(0.0 / 0.0).to_json()", "to_json: NaN is no number in JSON"),
        ("let a = []; for i in 0..200 { a = [a]; } a.to_json()", "to_json: nested deeper than 127"),
        ("let s = \"\"; s.pad(200, '['); parse_json(s)", "parse_json: recursion limit exceeded at line 1 column 128"),
    ];
    for (call, message) in cases {
        assert_eq!(Bench::eval_error(call), message, "{call}");
    }
}

fn seeded(seed: Option<u64>, body: &str) -> String {
    let code = format!("let conn = (); {body}");
    let script = Script { seed, ..super::script(ScriptSource::OnData(code)) };
    let mut bench = Bench::try_script(script).unwrap_or_else(|message| panic!("{message}"));
    let out = bench.give(&super::conn(1), super::data(b"x"));
    out.iter().map(super::shown).collect::<Vec<_>>().join("|")
}

#[test]
fn random_numbers_have_bounds_and_repeat_with_the_seed() {
    let body = "print([rand(), rand(1, 6), choose([1, 2, 3]), uuid()])";
    assert_eq!(seeded(Some(7), body), seeded(Some(7), body));
    assert_ne!(seeded(Some(7), body), seeded(Some(8), body));
    assert_ne!(seeded(None, body), seeded(None, body));
    let bounds = "let low = 9; let high = 0; for i in 0..200 { let n = rand(1, 6); low = min(low, n); high = max(high, n); \
                  let f = rand(); if f < 0.0 || f >= 1.0 { throw \"f\" } } print([low, high, rand(5, 5), choose([\"x\"])]); \
                  print(re(\"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$\").test(uuid()));";
    assert_eq!(seeded(Some(1), bounds), "[1, 6, 5, \"x\"]|true");
    assert_eq!(Bench::eval_error("rand(2, 1)"), "rand(2, 1): the first number is the larger one");
    assert_eq!(Bench::eval_error("choose([])"), "choose: the array is empty");
}
