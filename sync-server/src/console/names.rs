//! What outlets and programs are called: people know them by name, the books by a code.

use std::collections::BTreeMap;

use shared::catalog::Catalog;

use super::view::Cell;

/// The names behind the codes of a catalog.
#[derive(Clone, Default)]
pub(super) struct Names {
    outlets: BTreeMap<String, String>,
    programs: BTreeMap<String, String>,
}

impl Names {
    /// Those of a catalog.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let outlets = catalog.outlets.values().map(|it| (it.code.to_string(), it.name.clone()));
        let programs = catalog.programs.values().map(|it| (it.code.to_string(), it.name.clone()));
        Self { outlets: outlets.collect(), programs: programs.collect() }
    }

    /// An outlet's name; its code where the catalog has it no more.
    pub(super) fn outlet(&self, code: &str) -> String {
        self.outlets.get(code).map_or_else(|| code.to_owned(), Clone::clone)
    }

    /// A program's name; its code where the catalog has it no more.
    pub(super) fn program(&self, code: &str) -> String {
        self.programs.get(code).map_or_else(|| code.to_owned(), Clone::clone)
    }

    /// Outlets by code and name, for a choice; first one that is none of them.
    pub(super) fn outlets(&self, none: &str) -> Vec<(String, String)> {
        let all = self.outlets.iter().map(|(code, name)| (code.clone(), name.clone()));
        std::iter::once((String::new(), none.to_owned())).chain(all).collect()
    }

    /// A cell whose text is a code, told by its name.
    pub(super) fn cell(&self, cell: &mut Cell) {
        let told = match cell.names {
            Named::Nothing => return,
            Named::Outlet => self.outlet(&cell.text),
            Named::Program => self.program(&cell.text),
            Named::OutletBelow => {
                cell.small = self.outlet(&cell.small);
                return;
            }
        };
        cell.text = told;
    }
}

/// What a cell's text is the code of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Named {
    /// Of nothing: it is told as it is.
    #[default]
    Nothing,
    /// Of an outlet.
    Outlet,
    /// Of a program.
    Program,
    /// Its second line is of an outlet.
    OutletBelow,
}
