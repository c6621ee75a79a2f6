//! The built-in scripts that speak with devices and their programs: `@telnet` as a client, `@mllp`, `@scpi`, `@iso8583`.

use super::builtin_protocols::{Wire, however_cut};
use super::*;

/// Checks that a script ends with 2 and this usage when it starts with these arguments.
#[track_caller]
pub(super) fn refuses_args(name: &str, args: &[&str], usage: &str) {
    let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
    let shown = format!("{args:?}");
    let bench = Bench::try_script(Script { args, ..script(ScriptSource::Builtin(name.into())) }).unwrap();
    let mut out = Vec::new();
    let result = bench.handler.handle_run(RunEvent::Start, &mut out);
    assert!(matches!(result, Err(HandlerError::Exit(2))), "{shown}: {result:?}");
    assert!(format!("{out:?}").contains(usage), "{shown}: {out:?}");
}

// ---- @telnet as a client --------------------------------------------------------------------------------

/// What a telnet client sends and writes to stdout.
struct Terminal {
    bench: Bench,
    conn: Rc<ConnView>,
}

impl Terminal {
    fn open(label: &str) -> Self {
        let Ok(Charset::Named(encoding)) = labels::lookup(label) else { panic!("{label}") };
        let text = Text { recv: Some(Charset::Named(encoding)), send: Some(encoding), ..Text::default() };
        let peer: std::net::SocketAddr = "127.0.0.1:23".parse().unwrap();
        let local: std::net::SocketAddr = "127.0.0.1:45586".parse().unwrap();
        let conn = Rc::new(ConnView::new(1, peer, local, Side::Client, &text, Instant::now()));
        let args = vec!["vt100".to_owned(), "255x24".to_owned()];
        let bench = Bench::try_script(Script { args, ..script(ScriptSource::Builtin("telnet".into())) }).unwrap();
        let mut terminal = Self { bench, conn };
        assert_eq!(terminal.bench.start(), []);
        assert_eq!(terminal.give(Event::Opened), Default::default());
        terminal
    }

    /// What is sent, and what goes to stdout.
    fn give(&mut self, event: Event) -> (Vec<u8>, Vec<u8>) {
        let (mut sent, mut shown) = (Vec::new(), Vec::new());
        for command in self.bench.give(&self.conn, event) {
            match command {
                Command::Send(_, bytes) => sent.extend(bytes),
                Command::Write(bytes) => shown.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        (sent, shown)
    }
}

#[test]
fn telnet_answers_what_a_device_negotiates() {
    let mut terminal = Terminal::open("utf-8");
    for (asked, answer) in [
        (&b"\xff\xfb\x01"[..], &b"\xff\xfd\x01"[..]),
        (b"\xff\xfb\x01", b""),
        (b"\xff\xfc\x01", b"\xff\xfe\x01"),
        (b"\xff\xfc\x01\xff\xfc\x03", b""),
        (b"\xff\xfb\x03\xff\xfd\x03", b"\xff\xfd\x03\xff\xfb\x03"),
        (b"\xff\xfd\x01\xff\xfb\x00\xff\xfd\x27", b"\xff\xfc\x01\xff\xfe\x00\xff\xfc\x27"),
        // SEND before DO, and something else than SEND, is not answered.
        (b"\xff\xfa\x18\x01\xff\xf0", b""),
        (b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0", b"\xff\xfb\x18\xff\xfa\x18\x00VT100\xff\xf0"),
        (b"\xff\xfa\x18\x00x\xff\xf0\xff\xfa\x18\xff\xf0\xff\xfa\xff\xf0", b""),
        // The 255 in the width is doubled.
        (b"\xff\xfd\x1f", b"\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0"),
        (b"\xff\xfd\x1f", b""),
        (b"\xff\xfe\x1f\xff\xfe\x1f\xff\xfe\x2a", b"\xff\xfc\x1f"),
        (b"\xff\xf1\xff\xf6\xff\xf9\xff\xf2", b""),
    ] {
        assert_eq!(terminal.give(data(asked)), (answer.to_vec(), Vec::new()), "{}", asked.escape_ascii());
    }
}

#[test]
fn telnet_shows_the_text_of_a_device_at_every_split() {
    for (label, bytes, text) in [
        (
            "utf-8",
            &b"a\xff\xfb\x63\r\0b\r\n\xff\xff\xff\xfa\x18x\xff\xff\xff\xf0\xe4\xbd\xa0\r"[..],
            &b"a\rb\r\n\xff\xe4\xbd\xa0"[..],
        ),
        ("gbk", b"\xc4\xe3\xff\xf9\xba\xff\xf1\xc3: ", "你好: ".as_bytes()),
        ("shift_jis", b"\x93\xfa\x96\x7b\xb1", "日本ｱ".as_bytes()),
        ("koi8-r", b"\xff\xff\xf7", "ЪВ".as_bytes()),
    ] {
        for at in 0..bytes.len() {
            let mut terminal = Terminal::open(label);
            let mut shown = terminal.give(data(&bytes[..at])).1;
            shown.extend(terminal.give(data(&bytes[at..])).1);
            assert_eq!(shown.escape_ascii().to_string(), text.escape_ascii().to_string(), "{label}, cut at {at}");
        }
    }
    let mut terminal = Terminal::open("gbk");
    assert_eq!(terminal.give(data(b"a\xc4")).1, b"a");
    let end = terminal.give(Event::Closed(CloseReason::Eof));
    assert_eq!(end.1, "\u{fffd}".as_bytes(), "nothing that came is left out");
}

#[test]
fn telnet_checks_its_arguments() {
    for args in [&["-x"][..], &["vt100", "80"], &["vt100", "80x65536"], &["vt100", "80x24", "x"], &["ß"]] {
        refuses_args("telnet", args, "usage: tcpx connect HOST PORT --script @telnet");
    }
}

// ---- @mllp ----------------------------------------------------------------------------------------------

/// Acknowledgements without what differs each time: MSH-7 and MSH-10 are empty.
fn acknowledged(wire: &mut Wire, message: &str) -> String {
    let answer = wire.ask(format!("\u{b}{message}\u{1c}\r"));
    let mut shown = Vec::new();
    for line in answer.split('\r') {
        let mut fields: Vec<_> = line.split('|').collect();
        if line.contains("MSH|") {
            fields[6] = "";
            fields[9] = "";
        }
        shown.push(fields.join("|"));
    }
    shown.join("\r")
}

#[test]
fn mllp_acknowledges_messages() {
    let mut wire = Wire::open("mllp");
    let adt = "MSH|^~\\&|LAB|A|HIS|B|20260101||ADT^A01|42|T|2.3\rPID|1||x\r";
    let answer = "\u{b}MSH|^~\\&|HIS|B|LAB|A|||ACK^A01||T|2.3\rMSA|AA|42\r\u{1c}\r";
    assert_eq!(acknowledged(&mut wire, adt), answer);
    assert_eq!(acknowledged(&mut wire, &adt.replace('\r', "\r\n")), answer);
    assert_eq!(
        acknowledged(&mut wire, "MSH|^~\\&|||||||ORU|a&b"),
        "\u{b}MSH|^~\\&|||||||ACK||P|2.5\rMSA|AA|a&b\r\u{1c}\r"
    );
    assert_eq!(acknowledged(&mut wire, "MSH|^~\\&|||||||ACK^A01|1|P|2.5\rMSA|AA|1\r"), "", "no acknowledgement of one");
    let own = acknowledged(&mut wire, "MSH#*~\\&#########").replace('#', "|");
    assert!(own.contains("MSA|AE||Required field missing: MSH-9\rERR||MSH*1*9|101**HL70357|E\r"), "{own}");
}

#[test]
fn mllp_says_what_is_wrong_with_a_message() {
    let mut wire = Wire::open("mllp");
    let head = "MSH|^~\\&|||||||ADT^A01|7|P|2.5";
    for (message, answer) in [
        ("", "AR||Segment sequence error: no MSH with its separators in front\rERR|||100^^HL70357|E"),
        ("hello", "AR||Segment sequence error: no MSH with its separators in front\rERR|||100^^HL70357|E"),
        ("FHS|^~\\&|x", "AR||Segment sequence error: no MSH with its separators in front\rERR|||100^^HL70357|E"),
        (
            "MSHX^~\\&XXXXXXXADTX7",
            "AR||Segment sequence error: no MSH with its separators in front\rERR|||100^^HL70357|E",
        ),
        ("MSH|^~\\&|||||||ADT^A01||P|2.5", "AE||Required field missing: MSH-10\rERR||MSH^1^10|101^^HL70357|E"),
        ("MSH|^~\\&", "AE||Required field missing: MSH-9\rERR||MSH^1^9|101^^HL70357|E"),
        ("MSH|^~\\&|||||||adt|7", "AR|7|Unsupported message type\rERR||MSH^1^9|200^^HL70357|E"),
        ("MSH|^~\\&|||||||ADT|7|X|2.5", "AR|7|Unsupported processing id\rERR||MSH^1^11|202^^HL70357|E"),
        ("MSH|^~\\&|||||||ADT|7|P|3.0", "AR|7|Unsupported version id\rERR||MSH^1^12|203^^HL70357|E"),
        (&format!("{head}\rpid|1\r"), "AE|7|Segment sequence error: segment 2 has no name\rERR|||100^^HL70357|E"),
        (&format!("{head}\rPID|1\rPIDX\r"), "AE|7|Segment sequence error: segment 3 has no name\rERR|||100^^HL70357|E"),
        (&format!("{head}\r{head}\r"), "AE|7|Segment sequence error: segment 2 is another MSH\rERR|||100^^HL70357|E"),
    ] {
        let found = acknowledged(&mut wire, message);
        assert_eq!(
            found.split_once("\rMSA|").map(|(_, rest)| rest),
            Some(&*format!("{answer}\r\u{1c}\r")),
            "{message}"
        );
    }
    let long = format!("MSH|^~\\&|||||||ADT|{}", "x".repeat(200));
    assert!(acknowledged(&mut wire, &long).contains("MSH-10 is too long"));
    assert!(!wire.closed);
}

#[test]
fn mllp_reads_messages_at_every_split_and_ends_what_is_none() {
    let message = "\u{b}MSH|^~\\&|||||||ADT|7\u{1c}\rPV1|\r\u{1c}\r\r\n\u{b}MSH|^~\\&|||||||ACK|1\u{1c}\r\n";
    for at in 0..message.len() {
        let mut wire = Wire::open("mllp");
        let answer = wire.ask(&message[..at]) + wire.ask(&message[at..]).as_str();
        // The first end is within the message: 1c 0d ends it, and what follows is outside.
        assert_eq!(answer.matches("MSA|AA|7").count(), 1, "cut at {at}: {answer}");
        assert!(wire.closed);
    }
    for (bytes, closed) in [(&b"\r\n\r\n"[..], false), (b"GET / HTTP/1.1\r\n", true), (b"\r\n \x0b", true)] {
        let mut wire = Wire::open("mllp");
        assert_eq!(wire.ask(bytes), "");
        assert_eq!(wire.closed, closed, "{bytes:?}");
    }
    let mut wire = Wire::open("mllp");
    wire.ask(b"\x0bMSH");
    assert_eq!(wire.ask(vec![b'x'; (1 << 20) + 1]), "");
    assert!(wire.closed);
}

// ---- @scpi ----------------------------------------------------------------------------------------------

#[test]
fn scpi_answers_queries_in_every_spelling() {
    let mut wire = Wire::with_args("scpi", &["ACME,PSU-1,0042,1.7"]);
    for (line, answer) in [
        ("*IDN?", "ACME,PSU-1,0042,1.7"),
        ("*idn?\r", "ACME,PSU-1,0042,1.7"),
        ("SYST:ERR?", "0,\"No error\""),
        ("*ESR?;*ESR?", "128;0"),
        ("VOLT 5;:VOLTage?;:source:voltage:level:immediate:amplitude?", "+5.000000;+5.000000"),
        ("SOUR:VOLT 250 mV;CURR 2.5e0 A;VOLT?;CURR?", "+0.250000;+2.500000"),
        ("VOLT MAX;VOLT?;VOLT? MIN;VOLT? DEFault", "+60.000000;+0.000000;+0.000000"),
        ("OUTP?;OUTP ON;OUTP?;OUTPut:STATe 0;STATe?", "0;1;0"),
        ("*OPC?;*TST?;SYST:VERS?;ERR:COUN?", "1;0;1999.0;0"),
        ("*ESE 33;*ESE?;*SRE 32;*SRE?;*OPC;*STB?;*ESR?", "33;32;96;1"),
        ("CONF?;CONF:CURR;:CONF?", "\"VOLT\";\"CURR\""),
        ("*WAI;INIT", ""),
        (" ; ;\t*OPC?\t;", "1"),
        ("", ""),
        ("*RST;VOLT?;CURR?;OUTP?", "+0.000000;+1.000000;0"),
    ] {
        let answer = if answer.is_empty() { String::new() } else { format!("{answer}\n") };
        assert_eq!(wire.ask(format!("{line}\n")), answer, "{line}");
    }
    assert_eq!(wire.ask("SYST:ERR:COUN?\n"), "0\n");
    for (query, low, high) in [
        ("MEAS:VOLT?", 9.9, 10.1),
        ("MEASure:SCALar:VOLTage:DC? 10,0.001", 9.9, 10.1),
        ("MEAS:CURR:DC?", 0.09, 0.11),
        ("MEAS:POW?", 0.9, 1.1),
        ("MEAS:RES?", 99.0, 101.0),
        ("CONF:VOLT;:READ?", 9.9, 10.1),
        ("FETC?", 9.9, 10.1),
    ] {
        let answer = wire.ask(format!("VOLT 10;OUTP ON;:{query}\n"));
        let value: f64 = answer.trim().parse().unwrap();
        assert!((low..high).contains(&value), "{query}: {answer}");
    }
    // The current is limited: 0.05 A in 100 ohms.
    let volts: f64 = wire.ask("CURR 50 MA;:MEAS:VOLT?\n").trim().parse().unwrap();
    assert!((4.9..5.1).contains(&volts), "{volts}");
}

#[test]
fn scpi_queues_errors() {
    let mut wire = Wire::open("scpi");
    assert_eq!(wire.ask("*IDN?\n"), "tcpx,SCPI instrument,0,1.0\n");
    let long = "x".repeat(5000);
    for (line, error) in [
        ("FOO", "-113,\"Undefined header\""),
        ("VOLTA 1", "-113,\"Undefined header\""),
        ("MEAS:VOLT", "-113,\"Undefined header\""),
        ("*RST?", "-113,\"Undefined header\""),
        ("VOLT", "-109,\"Missing parameter\""),
        ("VOLT 1,2", "-108,\"Parameter not allowed\""),
        ("*CLS 1", "-108,\"Parameter not allowed\""),
        ("VOLT x", "-104,\"Data type error\""),
        ("OUTP MAYBE", "-104,\"Data type error\""),
        ("VOLT \"a;b\"", "-104,\"Data type error\""),
        ("VOLT 5 OHM", "-131,\"Invalid suffix\""),
        ("VOLT 61", "-222,\"Data out of range\""),
        ("VOLT -0.1", "-222,\"Data out of range\""),
        ("VOLT 1e99", "-222,\"Data out of range\""),
        ("VOLT 1e999", "-123,\"Exponent too large\""),
        ("OUTP 7", "-222,\"Data out of range\""),
        ("*ESE 256", "-222,\"Data out of range\""),
        ("VOLT ,", "-102,\"Syntax error\""),
        ("VOLT \"", "-102,\"Syntax error\""),
        ("V\u{e9}", "-101,\"Invalid character\""),
        (&long, "-363,\"Input buffer overrun\""),
        ("VOLT 1;FOO;VOLT 2", "-113,\"Undefined header\""),
    ] {
        assert_eq!(wire.ask(format!("{line}\n")), "", "{line:.20}");
        assert_eq!(wire.ask("SYST:ERR?;ERR?\n"), format!("{error};0,\"No error\"\n"), "{line:.20}");
    }
    assert_eq!(wire.ask("VOLT?;*ESR?\n"), "+1.000000;184\n", "what follows a command error is not carried out");
    wire.ask("FOO\n".repeat(25));
    assert_eq!(wire.ask("SYST:ERR:COUN?\n"), "20\n");
    let all = (0..20).map(|_| wire.ask("SYST:ERR?\n")).collect::<Vec<_>>();
    assert_eq!((&*all[18], &*all[19]), ("-113,\"Undefined header\"\n", "-350,\"Queue overflow\"\n"));
    assert_eq!(wire.ask("*STB?;*CLS;*STB?;*ESR?\n"), "0;0;0\n");
    assert_eq!(wire.ask("FOO\n*STB?\n*CLS\n*STB?\n"), "4\n0\n");
}

#[test]
fn scpi_reads_lines_at_every_split_and_checks_its_argument() {
    let lines = format!("*IDN?;*OPC?\r\nVOLT 3;VOLT?\n{}\n*ESR?\n", "y".repeat(40));
    assert_eq!(however_cut("scpi", lines.as_bytes()), "tcpx,SCPI instrument,0,1.0;1\\n+3.000000\\n160\\n");
    for args in [&["a", "b"][..], &[""], &["é"], &["a\nb"]] {
        refuses_args("scpi", args, "usage: tcpx listen PORT --script @scpi");
    }
}

// ---- @iso8583 -------------------------------------------------------------------------------------------

fn framed(message: &str) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message.as_bytes()].concat()
}

#[test]
fn iso8583_answers_with_the_same_field_11() {
    let mut wire = Wire::open("iso8583");
    for (message, answer) in [
        ("08000020000000000000123456", "0810002000000200000012345600"),
        (
            "0800822000000000000004000000000000001126235959000001301",
            "081082200000020000000400000000000000112623595900000100301",
        ),
        // Field 38 comes before 39, and the terminal after it.
        (
            "0200702000000080000016411111111111111100000000000000100012345612345678",
            "021070200000068000001641111111111111110000000000000010001234560000010012345678",
        ),
        ("01001020000000000000000001000000000003", "0110102000000200000000000100000000000351"),
        ("04010020000000000000000004", "0410002000000200000000000400"),
        ("18000020000000000000000005", "18100020000002000000000005800"),
        ("12000020000000000000000006", "12100020000006000000000006000002000"),
        ("08000000000000000000", "0810000000000200000000"),
    ] {
        wire.arrive(&framed(message));
        assert_eq!(
            wire.take().as_bytes().escape_ascii().to_string(),
            framed(answer).escape_ascii().to_string(),
            "{message}"
        );
    }
    for silent in ["", "08100020000000000000123456", "02300000000000000000"] {
        wire.arrive(&framed(silent));
        assert_eq!(wire.take(), "", "{silent}");
    }
    assert!(!wire.closed);
}

#[test]
fn iso8583_says_that_a_message_cannot_be_read() {
    let mut wire = Wire::open("iso8583");
    for (message, answer) in [
        ("0800002000000000000012345", "0810000000000200000030"),
        ("0800002000000000000012345x", "0810000000000200000030"),
        ("08000020000000000000123456x", "0810002000000200000012345630"),
        ("08004000000000000000xx", "0810000000000200000030"),
        ("080040000000000000001", "0810000000000200000030"),
        ("0800400000000000000020", "0810000000000200000030"),
        ("18000020000000000000", "18100000000002000000904"),
    ] {
        wire.arrive(&framed(message));
        assert_eq!(wire.take()[2..], *answer, "{message}");
    }
    assert!(!wire.closed);
    for message in [
        "0",
        "08x00020000000000000123456",
        "3800002000000000000012345",
        "0900002000000000000012345",
        "0800",
        "080000200000000000z0123456",
        "0800800000000000000012345678",
    ] {
        let mut wire = Wire::open("iso8583");
        wire.arrive(&framed(message));
        assert!(wire.sent.is_empty() && wire.closed, "{message}");
    }
}

#[test]
fn iso8583_reads_messages_at_every_split() {
    let mut bytes = framed("08000020000000000000123456");
    bytes.extend(framed(""));
    bytes.extend(framed("01000020000000000000000002"));
    assert_eq!(
        however_cut("iso8583", &bytes),
        "\\x00\\x1c0810002000000200000012345600\\x00\\\"0110002000000600000000000200000100"
    );
}
