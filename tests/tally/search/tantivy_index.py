"""An engine beside Postgres: tantivy, given names as documents, each with whose they are."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import tantivy

from tally.search import Document, Hit, Question, Reader

MOST_FOUND = 10_000
NOBODY = "nobody"  # where a name is several people's
PLACES = {"session": "session", "conversation": "session", "trace": "trace", "note": "record"}


def fold(text: str) -> str:
    """A text without accents and case, as `private.fold_text`."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if not "\u0300" <= letter <= "\u036f").lower()


def _make_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("key", "workspace", "kind", "user", "project"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw")
    builder.add_text_field("text", stored=False, tokenizer_name="whitespace")
    builder.add_text_field("title", stored=True, tokenizer_name="raw")
    builder.add_text_field("detail", stored=True, tokenizer_name="raw")
    builder.add_text_field("at", stored=True, tokenizer_name="raw")
    return builder.build()


@dataclass
class TantivyIndex:
    """The documents of all workspaces, in memory."""

    schema: tantivy.Schema = field(default_factory=_make_schema)
    found: tantivy.Index = field(init=False)

    def __post_init__(self) -> None:
        self.found = tantivy.Index(self.schema)

    def index(self, documents: Iterable[Document]) -> None:
        """Add documents, or replace those with their keys."""
        writer = self.found.writer()
        for document in documents:
            key = f"{document.workspace_id} {document.key}"
            writer.delete_documents_by_term("key", key)
            if document.uses > 0:
                writer.add_document(
                    tantivy.Document(
                        key=[key],
                        workspace=[document.workspace_id],
                        kind=[document.kind],
                        user=[document.user_id or NOBODY],
                        project=list(document.project_ids),
                        text=[fold(f"{document.name} {document.detail}")],
                        title=[document.name],
                        detail=[document.detail],
                        at=[document.last_at.isoformat()],
                    )
                )
        writer.commit()
        self.found.reload()

    def as_reader(self, reader: Reader) -> "TantivySearch":
        """The search of one reader."""
        return TantivySearch(self, reader)


@dataclass(frozen=True)
class TantivySearch:
    """A search whose every query has the workspace and the rights of its reader."""

    engine: TantivyIndex
    reader: Reader

    def search(self, question: Question) -> list[Hit]:
        """Find names that have a word which begins with each word, each name of a kind once."""
        words = [self._is("text", word) for word in fold(question.asked).split()]
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, part) for part in [*self._rights(), *words]]
        )
        searcher = self.engine.found.searcher()
        hits: dict[tuple[str, str], Hit] = {}
        for score, address in searcher.search(query, MOST_FOUND).hits:
            stored = searcher.doc(address).to_dict()
            title, kind, at = (stored[name][0] for name in ("title", "kind", "at"))
            shown = PLACES[kind]
            known = hits.get((shown, title))
            if (shown in question.kinds or not question.kinds) and (known is None or str(known.at) < at):
                hits[shown, title] = Hit(shown, title, title, stored["detail"][0], at, kind, score=score)
        ordered = sorted(hits.values(), key=lambda hit: (hit.kind, -hit.score, hit.title))
        return [
            hit for _, group in groupby(ordered, lambda hit: hit.kind) for hit in list(group)[: question.most]
        ]

    def _rights(self) -> list[tantivy.Query]:
        own = self._is("user", self.reader.user_id)
        allowed = [(tantivy.Occur.Should, own)]
        if self.reader.sees_everybody:
            hidden = [
                (tantivy.Occur.MustNot, self._is("project", each)) for each in self.reader.hidden_projects
            ]
            everything = (tantivy.Occur.Must, tantivy.Query.all_query())
            allowed.append((tantivy.Occur.Should, tantivy.Query.boolean_query([everything, *hidden])))
        return [self._is("workspace", self.reader.workspace_id), tantivy.Query.boolean_query(allowed)]

    def _is(self, name: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self.engine.schema, name, value)
