//! No circle of files inside a crate: files may name each other's items in one direction only.
//!
//! A file depends on another where it names an item that the other file defines: in `use`, in a
//! path (`crate::a::b`, `super::b`, `a::b`), or by a name that a `use` brought in. Re-exports are
//! followed to the file that defines the item. Declaring a module and re-exporting its items is no
//! dependency. Test code is left out, and so are methods, which no path names.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, without_comments_and_strings};

/// Crates whose circles are known and not reported yet. An entry that has become needless is
/// reported.
const NOT_YET: [&str; 0] = [];

/// Returns a finding for every group of files that depend on each other in a circle.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    check_except(sources, &NOT_YET)
}

fn check_except(sources: &[Source], not_yet: &[&str]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for source in sources {
        if let Some((folder, file)) = source.path.split_once("/src/") {
            crates.entry(folder).or_default().push((file, &source.text));
        }
    }
    let mut findings = Vec::new();
    for (folder, files) in &crates {
        let circles = circles(files);
        if !not_yet.contains(folder) {
            findings.extend(circles.into_iter().map(|it| format!("{folder}/src: {it}")));
        } else if circles.is_empty() {
            findings.push(format!(
                "{folder}: has no circle of files; take it off NOT_YET in xtask/src/tidy/circles.rs"
            ));
        }
    }
    findings
}

/// Returns the circles among the files of one crate, paths from its `src` folder.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let graph = Crate::read(files).graph();
    components(&graph)
        .into_iter()
        .map(|component| {
            let mut uses = Vec::new();
            for from in &component {
                for (to, name) in &graph[from] {
                    if component.contains(to) {
                        uses.push(format!("{from} names {name} of {to}"));
                    }
                }
            }
            format!("a circle of {} files: {}", component.len(), uses.join("; "))
        })
        .collect()
}

/// For each file the files that it depends on, each with the first name that it uses.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// Returns the strongly connected components of more than one file: from each file of a component
/// every other one can be reached.
fn components(graph: &Graph) -> Vec<BTreeSet<String>> {
    // A crate has some dozen files, so reachability can be computed for each of them.
    let reached = |start: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(file) = open.pop() {
            for to in graph[file].keys() {
                if seen.insert(to.clone()) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|file| (file, reached(file))).collect();
    let mut components: Vec<BTreeSet<String>> = Vec::new();
    for (file, others) in &reached {
        if others.contains(*file) && !components.iter().any(|found| found.contains(*file)) {
            let both_ways = others.iter().filter(|other| reached[*other].contains(*file));
            components.push(both_ways.cloned().collect());
        }
    }
    components
}

/// The modules of a crate.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
    /// Which paths each file names, as seen from the module in which it does.
    paths: Vec<(String, Vec<String>, Vec<String>)>,
}

/// What a module holds.
#[derive(Default)]
struct Module {
    file: String,
    /// Child modules.
    children: BTreeSet<String>,
    /// Items defined here.
    items: BTreeSet<String>,
    /// Names that a `use` brings in, and their paths.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths of modules of which a `use` brings in every name.
    globs: Vec<Vec<String>>,
}

impl Crate {
    fn read(files: &[(&str, &str)]) -> Self {
        let mut whole = Self::default();
        // The program in `main.rs` beside a library is a crate of its own.
        let is_library = files.iter().any(|(file, _)| *file == "lib.rs");
        let mut only_for_tests = Vec::new();
        for (file, text) in files {
            let mut path: Vec<String> =
                file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if path == ["lib"] || path == ["main"] && !is_library {
                path.clear();
            } else if path == ["main"] || path[0] == "bin" {
                continue;
            } else if path.last().is_some_and(|last| last == "mod") {
                path.pop();
            }
            let tokens = tokens(&without_comments_and_strings(text));
            let (tokens, tests) = without_tests(&tokens);
            only_for_tests
                .extend(tests.into_iter().map(|test| [path.as_slice(), &[test]].concat()));
            Reader { whole: &mut whole, file, tokens: &tokens }.module(path);
        }
        let is_test =
            |path: &[String]| only_for_tests.iter().any(|test| path.starts_with(test.as_slice()));
        whole.modules.retain(|path, _| !is_test(path));
        whole.paths.retain(|(_, module, _)| !is_test(module));
        whole
    }

    fn graph(&self) -> Graph {
        let mut graph: Graph =
            self.modules.values().map(|module| (module.file.clone(), BTreeMap::new())).collect();
        for (file, module, path) in &self.paths {
            if let Some(Found::Item(definer)) = self.find(module, path, 0)
                && definer != file
                && let Some(uses) = graph.get_mut(file)
            {
                let name = path.last().cloned().unwrap_or_default();
                uses.entry(definer.clone()).or_insert(name);
            }
        }
        graph
    }

    /// Returns what `path` means in the module `from`; `None` for what other crates define.
    fn find(&self, from: &[String], path: &[String], depth: usize) -> Option<Found<'_>> {
        // Imports that name each other in a circle do not compile, except through other crates.
        const MOST: usize = 16;
        if depth > MOST {
            return None;
        }
        let mut module = from.to_vec();
        for (at, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" if at == 0 => module.clear(),
                "self" => {}
                "super" => {
                    module.pop()?;
                }
                _ => match self.lookup(&module, name, at + 1 == path.len(), depth)? {
                    Found::Module(child) => module = child,
                    found => return Some(found),
                },
            }
        }
        Some(Found::Module(module))
    }

    /// Returns what `name` means in `module`. A function and a module may have the same name: the
    /// last name of a path is the function, one before it the module.
    fn lookup(
        &self,
        module: &[String],
        name: &str,
        is_last: bool,
        depth: usize,
    ) -> Option<Found<'_>> {
        let here = self.modules.get(module)?;
        let child = || {
            let child = || Found::Module([module, &[name.to_owned()]].concat());
            here.children.contains(name).then(child)
        };
        let item = || here.items.contains(name).then_some(Found::Item(&here.file));
        let import = || self.find(module, here.imports.get(name)?, depth + 1);
        let found = if is_last {
            item().or_else(import).or_else(child)
        } else {
            child().or_else(item).or_else(import)
        };
        found.or_else(|| {
            here.globs.iter().find_map(|glob| match self.find(module, glob, depth + 1)? {
                Found::Module(path) if path != module => {
                    self.lookup(&path, name, is_last, depth + 1)
                }
                _ => None,
            })
        })
    }
}

/// What a path leads to.
enum Found<'a> {
    Module(Vec<String>),
    /// An item, or part of one: the file that defines it.
    Item(&'a String),
}

/// Reads the tokens of one file into the crate's modules.
struct Reader<'a> {
    whole: &'a mut Crate,
    file: &'a str,
    tokens: &'a [String],
}

impl Reader<'_> {
    /// Reads the module at `path`, to the file's end.
    fn module(&mut self, path: Vec<String>) {
        let mut path = path;
        // The depth of braces at which each inline module began.
        let (mut depth, mut inline) = (0_usize, Vec::new());
        self.open(&path);
        let mut at = 0;
        while at < self.tokens.len() {
            let inside = inline.last().map_or(0, |start| start + 1);
            match (self.token(at), self.token(at + 1)) {
                ("use", next) if next != "<" => {
                    let is_public = at > 0 && matches!(self.token(at - 1), "pub" | ")");
                    let mut found = Vec::new();
                    at = use_tree(self.tokens, at + 1, &[], &mut found);
                    found.into_iter().for_each(|(name, used)| {
                        self.import(&path, name, used, is_public);
                    });
                }
                ("mod", name) if depth == inside => {
                    let name = name.to_owned();
                    if let Some(module) = self.whole.modules.get_mut(&path) {
                        module.children.insert(name.clone());
                    }
                    if self.token(at + 2) == "{" {
                        path.push(name);
                        self.open(&path);
                        inline.push(depth);
                        depth += 1;
                    }
                    at += 3;
                }
                ("macro_rules", "!") => {
                    self.define(&path, at + 2);
                    at += 3;
                }
                (
                    "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static",
                    next,
                ) if depth == inside && is_identifier(next) && !matches!(next, "fn" | "unsafe") => {
                    self.define(&path, at + 1);
                    at += 2;
                }
                ("{", _) => {
                    depth += 1;
                    at += 1;
                }
                ("}", _) => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        path.pop();
                    }
                    at += 1;
                }
                (word, _) if is_identifier(word) => {
                    let mut end = at + 1;
                    while self.token(end) == "::" && is_identifier(self.token(end + 1)) {
                        end += 2;
                    }
                    // What follows a dot is a field or a method, what follows `::` part of a path.
                    if at == 0 || !matches!(self.token(at - 1), "." | "::") {
                        let used = self.tokens[at..end].iter().filter(|it| *it != "::").cloned();
                        let used = used.collect();
                        self.whole.paths.push((self.file.to_owned(), path.clone(), used));
                    }
                    at = end;
                }
                _ => at += 1,
            }
        }
    }

    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", String::as_str)
    }

    fn open(&mut self, path: &[String]) {
        self.whole.modules.entry(path.to_vec()).or_default().file = self.file.to_owned();
    }

    fn define(&mut self, path: &[String], at: usize) {
        let name = self.token(at).to_owned();
        if let Some(module) = self.whole.modules.get_mut(path) {
            module.items.insert(name);
        }
    }

    fn import(&mut self, module: &[String], name: String, path: Vec<String>, is_public: bool) {
        if let Some(here) = self.whole.modules.get_mut(module) {
            if name == "*" {
                here.globs.push(path);
                return;
            }
            here.imports.insert(name, path.clone());
        }
        // A re-export is used where its name is.
        if !is_public {
            self.whole.paths.push((self.file.to_owned(), module.to_vec(), path));
        }
    }
}

/// Reads a `use` tree from the token `at` on; `found` gets each name and its path. Returns where the
/// tree ends.
fn use_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(String, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            "*" => {
                found.push(("*".to_owned(), path));
                return at + 1;
            }
            "::" => {}
            "as" => {
                if let Some(name) = tokens.get(at + 1) {
                    found.push((name.clone(), path));
                }
                return at + 2;
            }
            "self" if !path.is_empty() => {}
            word if is_identifier(word) => path.push(token.clone()),
            _ => break,
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        found.push((name, path));
    }
    at
}

/// Splits code into identifiers, `::`, and single other characters.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let length = if is_word(first) {
            rest.find(|character| !is_word(character)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Returns the tokens without the items under `#[cfg(test)]`, and the modules declared under it that
/// have files of their own.
fn without_tests(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().take(MARK.len()).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let start = at + MARK.len();
        at = end_of_item(tokens, start);
        if let Some(name) = tokens[start..at].iter().position(|token| token == "mod")
            && tokens.get(at - 1).is_some_and(|token| token == ";")
        {
            modules.push(tokens[start + name + 1].clone());
        }
    }
    (kept, modules)
}

/// Returns where the item ends that starts at `start`: after its `;`, or after the brace that closes
/// its body.
fn end_of_item(tokens: &[String], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        // A field or a variant: the brace of what it is part of.
        if depth < 0 {
            return at;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        circles(files)
    }

    #[test]
    fn a_tree_of_files_passes() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::{B, deep::Deep};"),
            ("a.rs", "use crate::B;\npub struct A(B);"),
            ("b.rs", "pub(crate) mod deep;\nuse deep::Deep;\npub struct B(Deep);"),
            ("b/deep.rs", "pub struct Deep(std::io::Error);"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; fn f(_: super::a::A) {}"),
        ];
        assert_eq!(
            found(&files),
            ["a circle of 2 files: a.rs names B of b.rs; b.rs names A of a.rs"]
        );
    }

    #[test]
    fn a_circle_through_re_exports_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use {a::A, b::B, c::C as D};"),
            ("a.rs", "use crate::B; pub struct A(B);"),
            ("b.rs", "use crate::D; pub struct B(D);"),
            ("c.rs", "pub struct C; fn f() -> crate::A { todo!() }"),
        ];
        let found = found(&files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a circle of 3 files: a.rs names B of b.rs; "), "{found:?}");
    }

    #[test]
    fn a_child_that_uses_its_parents_items_is_a_circle_only_if_the_parent_uses_the_child() {
        let child = ("a/b.rs", "use super::NAME; pub fn b() -> u8 { NAME }");
        for (parent, circles) in [
            ("mod b; pub use b::b; pub const NAME: u8 = 1;", 0),
            ("mod b; pub use b::b; pub const NAME: u8 = 1; fn f() { b() }", 1),
            ("mod b; pub const NAME: u8 = 1; fn f() { b::b() }", 1),
            ("mod b; use b::b; pub const NAME: u8 = 1;", 1),
            ("mod b; mod name; use name::NAME; fn f() { b::b() }", 0),
        ] {
            let files = [
                ("lib.rs", "mod a;"),
                ("a.rs", parent),
                ("a/name.rs", "pub const NAME: u8 = 1;"),
                child,
            ];
            assert_eq!(found(&files).len(), circles, "{parent}");
        }
    }

    #[test]
    fn a_name_from_a_glob_counts_where_it_is_used() {
        let parent = "pub mod b; pub struct Part; fn f() { b::b() }";
        let circle = [("lib.rs", parent), ("b.rs", "use super::*; pub fn b() { Part; }")];
        assert_eq!(found(&circle).len(), 1);
        let tree = [("lib.rs", parent), ("b.rs", "use super::*; pub fn b() {}")];
        assert_eq!(found(&tree).len(), 0);
    }

    #[test]
    fn tests_comments_and_methods_do_not_count() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            (
                "b.rs",
                "//! See crate::a::A.\npub struct B { #[cfg(test)] a: crate::a::A }\n\
                 fn f() { x.a::<u8>() }\n#[cfg(test)]\nmod tests { use crate::a::A; }\n\
                 #[cfg(test)] mod more;",
            ),
            ("b/more.rs", "use crate::a::A;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn modules_inside_a_file_belong_to_it() {
        let files = [
            ("lib.rs", "pub mod a { pub fn f() { super::b::g() } } mod b;"),
            ("b.rs", "pub fn g() { crate::a::f() }"),
        ];
        assert_eq!(
            found(&files),
            ["a circle of 2 files: b.rs names f of lib.rs; lib.rs names g of b.rs"]
        );
    }

    #[test]
    fn a_crate_on_the_list_is_not_reported_until_it_has_no_circle() {
        let source = |file: &str, text: &str| Source {
            path: format!("crates/x/src/{file}"),
            text: text.into(),
        };
        let mut sources = vec![
            source("lib.rs", "mod a; mod b;"),
            source("a.rs", "use crate::b::B; pub struct A(B);"),
            source("b.rs", "pub struct B(crate::a::A);"),
        ];
        assert_eq!(check_except(&sources, &["crates/x"]), Vec::<String>::new());
        let found = check_except(&sources, &[]);
        assert!(found[0].starts_with("crates/x/src: a circle of 2 files"), "{found:?}");
        sources.pop();
        let found = check_except(&sources, &["crates/x"]);
        assert!(found[0].starts_with("crates/x: has no circle"), "{found:?}");
    }
}
