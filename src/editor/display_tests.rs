//! Tests of `Display` on a small screen that does what terminals do.

use unicode_width::UnicodeWidthStr;

use super::*;

/// A screen: rows of cells, and a cursor that waits behind the last column.
struct Screen {
    columns: usize,
    height: usize,
    rows: Vec<Vec<String>>,
    row: usize,
    column: usize,
}

impl Screen {
    fn new(columns: usize, height: usize) -> Self {
        Self { columns, height, rows: vec![Vec::new()], row: 0, column: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("text");
        let mut rest = text.graphemes(true).flat_map(|cluster| {
            if cluster.starts_with('\r') { cluster.split_inclusive('\r').collect::<Vec<_>>() } else { vec![cluster] }
        });
        while let Some(cluster) = rest.next() {
            match cluster {
                "\r" => self.column = 0,
                "\n" => self.down(),
                "\x1b" => {
                    assert_eq!(rest.next(), Some("["));
                    let mut number = String::new();
                    let end = loop {
                        match rest.next().expect("the end of a sequence") {
                            digit if digit.chars().all(|digit| digit.is_ascii_digit()) => number.push_str(digit),
                            end => break end,
                        }
                    };
                    let number = number.parse::<usize>().unwrap_or(1);
                    match end {
                        "A" => self.row = self.row.checked_sub(number).expect("not above the screen"),
                        "C" => self.column = (self.column + number).min(self.columns - 1),
                        "J" => {
                            self.rows.truncate(self.row + 1);
                            self.rows[self.row].truncate(self.column);
                        }
                        "m" => {}
                        other => panic!("{other}"),
                    }
                }
                _ => self.put(cluster),
            }
        }
    }

    fn put(&mut self, cluster: &str) {
        let width = cluster.width();
        if self.column + width > self.columns {
            self.column = 0;
            self.down();
        }
        let row = &mut self.rows[self.row];
        while row.len() < self.column + width {
            row.push(" ".into());
        }
        cluster.clone_into(&mut row[self.column]);
        for cell in &mut row[self.column + 1..self.column + width] {
            cell.clear();
        }
        self.column += width;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push(Vec::new());
        }
        assert!(self.rows.len() - self.row <= self.height);
    }

    fn text(&self) -> String {
        self.rows.iter().map(|row| row.concat()).collect::<Vec<_>>().join("/")
    }
}

/// A display with its screen.
struct Both(Display, Screen);

impl Both {
    fn new(columns: usize, rows: usize) -> Self {
        let mut display = Display::new(columns, rows);
        display.wake();
        Self(display, Screen::new(columns, rows))
    }

    fn draw(&mut self, work: impl FnOnce(&mut Display, &mut Vec<u8>)) -> &mut Self {
        let mut out = Vec::new();
        work(&mut self.0, &mut out);
        self.1.write(&out);
        self
    }

    fn receive(&mut self, text: &str) -> &mut Self {
        // The terminal makes CR LF of LF.
        let mut out = Vec::new();
        self.0.receive(text.as_bytes(), &mut out);
        let out = String::from_utf8(out).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
        self.1.write(out.as_bytes());
        self
    }

    fn type_in(&mut self, text: &str) -> &mut Self {
        self.type_before(text, "")
    }

    fn type_before(&mut self, text: &str, rest: &str) -> &mut Self {
        let view = View { prefix: String::new(), text: format!("{text}{rest}"), cursor: text.len() };
        self.draw(|display, out| {
            display.set_view(view);
            display.redraw(out);
        })
    }

    fn enter(&mut self, text: &str) -> &mut Self {
        self.draw(|display, out| display.accept("", text, true, out))
    }

    #[track_caller]
    fn shows(&mut self, text: &str) -> &mut Self {
        assert_eq!(self.1.text(), text);
        self
    }

    #[track_caller]
    fn cursor(&mut self, row: usize, column: usize) -> &mut Self {
        assert_eq!((self.1.row, self.1.column), (row, column), "{}", self.1.text());
        self
    }
}

#[test]
fn what_arrives_is_above_the_line() {
    let mut both = Both::new(20, 10);
    both.type_in("hel").shows("hel").receive("news\n").shows("news/hel");
    both.receive("more").shows("news/more/hel").receive(" of it").shows("news/more of it/hel");
    both.type_in("hello").receive("\n").shows("news/more of it/hello");
    both.enter("hello").shows("news/more of it/hello/").receive("x\n").shows("news/more of it/hello/x/");
}

#[test]
fn a_line_begun_after_a_prompt_stands_behind_it() {
    let mut both = Both::new(20, 10);
    both.receive("login: ").type_in("bo").shows("login: bo").cursor(0, 9);
    both.type_in("bob").enter("bob").shows("login: bob/");
    both.receive("word: ").type_in("x").receive("!\nagain: ").shows("login: bob/word: !/again: /x");
    both.type_in("").shows("login: bob/word: !/again: ").type_in("y").shows("login: bob/word: !/again: y");
}

#[test]
fn a_long_line_is_drawn_anew_over_all_its_rows() {
    let mut both = Both::new(5, 10);
    both.receive("ab").type_in("cdefghijk").shows("abcde/fghij/k").cursor(2, 1);
    both.type_in("cdefghij").shows("abcde/fghij/").cursor(2, 0);
    both.type_before("c", "defghij").cursor(0, 3).shows("abcde/fghij");
    both.type_before("cde", "fghij").cursor(1, 0);
    both.receive("!\n").shows("ab!/cdefg/hij").cursor(1, 3);
    both.type_in("").shows("ab!/").enter("").shows("ab!//");
}

#[test]
fn wide_characters_are_never_cut_at_the_border() {
    let mut both = Both::new(5, 10);
    both.type_in("你好吗").shows("你好 /吗".replace(' ', "").as_str()).cursor(1, 2);
    both.type_before("你好", "吗").cursor(1, 0);
    both.type_before("你", "好吗").cursor(0, 2).receive("天天天").type_in("a").shows("天天/天/a").cursor(2, 1);
}

#[test]
fn a_row_that_is_full_goes_on_below() {
    let mut both = Both::new(5, 10);
    both.receive("12345").type_in("x").shows("12345/x").receive("6\n").shows("12345/6/x");
    let mut both = Both::new(5, 10);
    both.type_in("12345").cursor(1, 0).receive("news\n").shows("news/12345/").enter("12345").shows("news/12345/");
}

#[test]
fn a_line_that_is_longer_than_the_screen_shows_the_part_around_the_cursor() {
    let text: String = (b'a'..=b'z').map(char::from).collect();
    let mut both = Both::new(5, 4);
    both.receive("?").type_in(&text).shows("?/pqrst/uvwxy/z");
    both.type_before("a", &text[1..]).shows("?/abcde/fghij/klmno").cursor(1, 1);
    both.receive("!\n").shows("?!/abcde/fghij/klmno");
    let mut both = Both::new(5, 30);
    both.enter(&text).shows("abcde/fghij/klmno/pqrst/uvwxy/z/");
}

#[test]
fn what_has_no_picture_is_shown_in_other_words() {
    let mut both = Both::new(40, 4);
    both.type_in("a\tb\u{1}\u{7f}\u{9b}\u{10feff}").shows("a       b^A^?\\x9b\\xff").cursor(0, 21);
    both.type_before("a\t", "b").cursor(0, 8);
}

#[test]
fn the_peers_colours_are_not_those_of_the_line() {
    let mut display = Display::new(80, 24);
    display.wake();
    let mut out = Vec::new();
    display.receive(b"\x1b[1m\x1b[31mred", &mut out);
    display.set_view(View { text: "x".into(), cursor: 1, ..View::default() });
    out.clear();
    display.redraw(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "\x1b[0mx");
    out.clear();
    display.receive(b"more\x1b[0m", &mut out);
    assert_eq!(String::from_utf8_lossy(&out), "\r\x1b[3C\x1b[J\x1b[1m\x1b[31mmore\x1b[0m\r\nx");
}

#[test]
fn a_line_that_is_sent_may_have_a_mark() {
    let mut both = Both::new(20, 10);
    both.receive("login: ").type_in("bob").draw(|display, out| display.accept("12:00 > ", "bob", true, out));
    both.shows("login: /12:00 > bob/").receive("ok\n").shows("login: /12:00 > bob/ok/");
}

#[test]
fn our_own_words_have_rows_of_their_own() {
    let mut both = Both::new(20, 10);
    both.receive("half").type_in("typed");
    both.draw(|display, out| {
        display.before_words(out);
        out.extend_from_slice(b"tcpx: words\r\n");
        display.after_words(out);
    });
    both.shows("half/tcpx: words/typed").draw(Display::leave).shows("half/tcpx: words/typed/");
}

#[test]
fn a_terminal_that_gets_narrower_wraps_the_line() {
    let mut both = Both::new(20, 10);
    both.type_in("0123456789ab").shows("0123456789ab");
    // As the terminal itself does it.
    both.1 = Screen::new(10, 10);
    both.1.write(b"0123456789ab");
    both.0.resize(10, 10);
    both.receive("news\n").shows("news/0123456789/ab");
}
