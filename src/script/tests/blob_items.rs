//! Every way to a byte of a blob gives an integer.

use super::Bench;

/// Expressions and loops that end with one byte, 200, in `b`.
const WAYS: [&str; 27] = [
    "let b = d[1];",
    "let b = d[-2];",
    "let b = d.get(1);",
    "let b = (); for x in d { if x > 199 && x < 201 { b = x; } }",
    "let b = (); for (x, i) in d { if i == 1 { b = x; } }",
    "let b = (); for x in d.extract(1, 1) { b = x; }",
    "let b = (); for x in d.extract(1..2) { b = x; }",
    "let b = (); for x in bytes([200]) { b = x; }",
    "let b = (); for x in hex(\"c8\") + hex(\"c8\") { b = x; }",
    "let b = d.remove(1);",
    "let b = d.drain(1..2).pop();",
    "d.shift(); let b = d.shift();",
    "d.pop(); let b = d.pop();",
    "d.retain(1..2); let b = d[0];",
    "let b = d.split(1).shift();",
    "let b = d.to_array()[1];",
    "let b = (); for x in d.to_array() { if x == 200 { b = x; } }",
    "let b = d.map(|x| x)[1];",
    "let b = d.map(|x, i| if i == 1 { x } else { () })[1];",
    "let b = d.filter(|x| x == 200)[0];",
    "let b = d.reduce(|all, x| if x == 200 { x } else { all }, ());",
    "let b = (); if d.some(|x| x.type_of() == \"i64\" && x == 200) { b = 200; }",
    "let b = (); if d.all(|x| type_of(x) == \"i64\") { b = 200; }",
    "let b = (); d.to_array().for_each(|x| ()); b = d.to_array().filter(|x| x == 200)[0];",
    "let b = d.u8(1);",
    "let b = d.unpack(\"3B\")[1];",
    "let b = d.parse_be_int(1, 1);",
];

#[test]
fn every_way_to_a_byte_gives_an_integer() {
    for way in WAYS {
        let shown = Bench::eval(&format!(
            "let d = bytes([1, 200, 3]); {way}
             let out = bytes([]); out.push(b); out += b; out.append(b);
             print(`${{type_of(b)}} ${{b}} ${{b == 200}} ${{switch b {{ 200 => \"found\", _ => \"not\" }}}}`);
             print([b << 8, b / 2, b * 2, b + 1, b - 1, b % 7, b ** 2, -b, b & 15, b ^ 1, b >> 1, b | 1]);
             print(`${{out.hex()}} ${{bytes([b]).hex()}} ${{pack(\"B\", [b]).hex()}} ${{b in out}} ${{b.to_hex()}} ${{b.to_float()}}`);
             print(`${{[b, 3].to_json()}} ${{\"{{}}\".fmt(b)}} ${{[b].contains(200)}} ${{b.max(3)}}`);"
        ));
        let wanted = "i64 200 true found|[51200, 100, 400, 201, 199, 4, 40000, -200, 8, 201, 100, 201]|\
                      c8c8c8 c8 c8 true c8 200.0|[200,3] 200 true 200";
        assert_eq!(shown, wanted, "{way}");
    }
}

#[test]
fn the_sum_of_all_bytes_is_a_plain_sum() {
    let shown = Bench::eval(
        "let sum = 0; for b in bytes([250, 250, 250]) { sum += b; } print(sum);
         let text = \"\"; for b in bytes(\"AB\") { text += b; text += \" \"; } print(text);
         let out = bytes([]); for b in bytes(\"abc\") { out.push(b - 32); } print(out.text());
         print(bytes(\"\").map(|b| b)); print(bytes(\"abc\").reduce(|all, b| all * 256 + b, 0));
         for b in bytes([]) { print(\"never\"); }",
    );
    assert_eq!(shown, "750|65 66|ABC|[]|6382179");
}
