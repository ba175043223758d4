/* Copyright (c) 2026, cloudburst.plex contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SQLite extension: what Plex's server binary has built in and stock SQLite lacks
 * (plex-facts 1.1, 1.3): collation "icu_root", FTS tokenizer "collating", "spellfix1".
 */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/uiter.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

/* ---- collation icu_root: numbers by value ("Movie 9" < "Movie 10") ---------------- */

static int collate(void *arg, int n1, const void *s1, int n2, const void *s2) {
  UErrorCode status = U_ZERO_ERROR;
  return ucol_strcollUTF8((UCollator *)arg, s1, n1, s2, n2, &status);
}

static void close_collator(void *arg) { ucol_close((UCollator *)arg); }

static int add_collation(sqlite3 *db) {
  UErrorCode status = U_ZERO_ERROR;
  UCollator *collator = ucol_open("root", &status);
  if (U_FAILURE(status)) return SQLITE_ERROR;
  ucol_setAttribute(collator, UCOL_NUMERIC_COLLATION, UCOL_ON, &status);
  return sqlite3_create_collation_v2(db, "icu_root", SQLITE_UTF8, collator, collate,
                                     close_collator);
}

/* ---- tokenizer collating: words, each as the sort key of a collator --------------- */

/* SQLite's fts3_tokenizer.h is not an installed header; its layout is documented API. */
typedef struct Tokenizer Tokenizer;
typedef struct Cursor Cursor;
typedef struct Module Module;
struct Tokenizer {
  const Module *module;
  UCollator *collator;
};
struct Cursor {
  Tokenizer *tokenizer;
  const char *input;
  int length, offset, position;
  uint8_t *key;
  int key_size;
};
struct Module {
  int version;
  int (*create)(int, const char *const *, Tokenizer **);
  int (*destroy)(Tokenizer *);
  int (*open)(Tokenizer *, const char *, int, Cursor **);
  int (*close)(Cursor *);
  int (*next)(Cursor *, const char **, int *, int *, int *, int *);
};

static int tokenizer_create(int argc, const char *const *argv, Tokenizer **out) {
  UErrorCode status = U_ZERO_ERROR;
  Tokenizer *tokenizer = sqlite3_malloc(sizeof *tokenizer);
  if (!tokenizer) return SQLITE_NOMEM;
  memset(tokenizer, 0, sizeof *tokenizer);
  tokenizer->collator = ucol_open(argc > 0 ? argv[0] : "root", &status);
  if (U_FAILURE(status)) {
    sqlite3_free(tokenizer);
    return SQLITE_ERROR;
  }
  *out = tokenizer;
  return SQLITE_OK;
}

static int tokenizer_destroy(Tokenizer *tokenizer) {
  ucol_close(tokenizer->collator);
  sqlite3_free(tokenizer);
  return SQLITE_OK;
}

static int cursor_open(Tokenizer *tokenizer, const char *input, int length,
                       Cursor **out) {
  Cursor *cursor = sqlite3_malloc(sizeof *cursor);
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof *cursor);
  cursor->tokenizer = tokenizer;
  cursor->input = input ? input : "";
  cursor->length = input ? (length < 0 ? (int)strlen(input) : length) : 0;
  *out = cursor;
  return SQLITE_OK;
}

static int cursor_close(Cursor *cursor) {
  sqlite3_free(cursor->key);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int in_word(UChar32 c) {
  return c >= 0 && (u_isalnum(c) || u_charType(c) == U_NON_SPACING_MARK);
}

/* The bounds of the next word from the cursor's offset; 0 at the end of the input. */
static int next_word(Cursor *cursor, int *begin, int *end) {
  int at = cursor->offset, started = 0;
  while (at < cursor->length) {
    int before = at;
    UChar32 c;
    U8_NEXT(cursor->input, at, cursor->length, c);
    if (in_word(c)) {
      if (!started) *begin = before;
      started = 1;
    } else if (started) {
      *end = before;
      cursor->offset = at;
      return 1;
    }
  }
  cursor->offset = *end = cursor->length;
  return started;
}

/* Store the word's sort key in the cursor; its length without the final zero, or -1. */
static int word_key(Cursor *cursor, const char *word, int length) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t units = 0, size;
  UChar *text = sqlite3_malloc((length + 1) * (int)sizeof *text);
  if (!text) return -1;
  u_strFromUTF8(text, length + 1, &units, word, length, &status);
  size = ucol_getSortKey(cursor->tokenizer->collator, text, units, NULL, 0);
  if (size > cursor->key_size) {
    uint8_t *grown = sqlite3_realloc(cursor->key, size);
    if (!grown) {
      sqlite3_free(text);
      return -1;
    }
    cursor->key = grown;
    cursor->key_size = size;
  }
  ucol_getSortKey(cursor->tokenizer->collator, text, units, cursor->key,
                  cursor->key_size);
  sqlite3_free(text);
  return size - 1;
}

static int cursor_next(Cursor *cursor, const char **token, int *bytes, int *begin,
                       int *end, int *position) {
  int size = 0;
  while (size == 0) {
    if (!next_word(cursor, begin, end)) return SQLITE_DONE;
    size = word_key(cursor, cursor->input + *begin, *end - *begin);
    if (size < 0) return SQLITE_NOMEM;
  }
  *token = (const char *)cursor->key;
  *bytes = size;
  *position = cursor->position++;
  return SQLITE_OK;
}

static const Module collating = {0,           tokenizer_create, tokenizer_destroy,
                                 cursor_open, cursor_close,     cursor_next};

static int add_tokenizer(sqlite3 *db) {
  const Module *pointer = &collating;
  sqlite3_stmt *statement;
  int result = sqlite3_prepare_v2(db, "SELECT fts3_tokenizer(?1, ?2)", -1, &statement, 0);
  if (result != SQLITE_OK) return result;
  sqlite3_bind_text(statement, 1, "collating", -1, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 2, &pointer, sizeof pointer, SQLITE_STATIC);
  sqlite3_step(statement);
  return sqlite3_finalize(statement);
}

/* ---- spellfix1: a readable view of the vocabulary, empty in every library --------- */

typedef struct {
  sqlite3_vtab base;
  sqlite3 *db;
  char *schema, *name;
} Spellfix;
typedef struct {
  sqlite3_vtab_cursor base;
  sqlite3_stmt *rows;
  int done;
} SpellfixCursor;

static int spellfix_open_table(sqlite3 *db, void *aux, int argc, const char *const *argv,
                               sqlite3_vtab **out, char **error) {
  int result = sqlite3_declare_vtab(
      db, "CREATE TABLE x(word, rank, distance, langid, score, matchlen,"
          " phonehash HIDDEN, top HIDDEN, scope HIDDEN, srchcnt HIDDEN,"
          " soundslike HIDDEN, command HIDDEN)");
  Spellfix *table = result == SQLITE_OK ? sqlite3_malloc(sizeof *table) : 0;
  (void)aux, (void)argc, (void)error;
  if (!table) return result == SQLITE_OK ? SQLITE_NOMEM : result;
  memset(table, 0, sizeof *table);
  table->db = db;
  table->schema = sqlite3_mprintf("%s", argv[1]);
  table->name = sqlite3_mprintf("%s", argv[2]);
  *out = &table->base;
  return SQLITE_OK;
}

static int execute(sqlite3 *db, char *sql) {
  int result = sql ? sqlite3_exec(db, sql, 0, 0, 0) : SQLITE_NOMEM;
  sqlite3_free(sql);
  return result;
}

static int spellfix_create(sqlite3 *db, void *aux, int argc, const char *const *argv,
                           sqlite3_vtab **out, char **error) {
  int result = execute(
      db, sqlite3_mprintf("CREATE TABLE IF NOT EXISTS \"%w\".\"%w_vocab\"(id INTEGER"
                          " PRIMARY KEY, rank INT, langid INT, word TEXT, k1 TEXT, k2 TEXT)",
                          argv[1], argv[2]));
  if (result != SQLITE_OK) return result;
  return spellfix_open_table(db, aux, argc, argv, out, error);
}

static int spellfix_disconnect(sqlite3_vtab *base) {
  Spellfix *table = (Spellfix *)base;
  sqlite3_free(table->schema);
  sqlite3_free(table->name);
  sqlite3_free(table);
  return SQLITE_OK;
}

static int spellfix_destroy(sqlite3_vtab *base) {
  Spellfix *table = (Spellfix *)base;
  int result = execute(table->db, sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\".\"%w_vocab\"",
                                                  table->schema, table->name));
  return result == SQLITE_OK ? spellfix_disconnect(base) : result;
}

static int spellfix_best(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  info->estimatedCost = 1000000.0;
  return SQLITE_OK;
}

static int spellfix_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  SpellfixCursor *cursor = sqlite3_malloc(sizeof *cursor);
  (void)base;
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof *cursor);
  *out = &cursor->base;
  return SQLITE_OK;
}

static int spellfix_close(sqlite3_vtab_cursor *base) {
  sqlite3_finalize(((SpellfixCursor *)base)->rows);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int spellfix_next(sqlite3_vtab_cursor *base) {
  SpellfixCursor *cursor = (SpellfixCursor *)base;
  int result = sqlite3_step(cursor->rows);
  cursor->done = result != SQLITE_ROW;
  return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

static int spellfix_filter(sqlite3_vtab_cursor *base, int number, const char *text,
                           int argc, sqlite3_value **argv) {
  SpellfixCursor *cursor = (SpellfixCursor *)base;
  Spellfix *table = (Spellfix *)base->pVtab;
  char *sql = sqlite3_mprintf("SELECT word, rank, langid, id FROM \"%w\".\"%w_vocab\"",
                              table->schema, table->name);
  int result;
  (void)number, (void)text, (void)argc, (void)argv;
  sqlite3_finalize(cursor->rows);
  cursor->rows = 0;
  result = sql ? sqlite3_prepare_v2(table->db, sql, -1, &cursor->rows, 0) : SQLITE_NOMEM;
  sqlite3_free(sql);
  return result == SQLITE_OK ? spellfix_next(base) : result;
}

static int spellfix_eof(sqlite3_vtab_cursor *base) {
  return ((SpellfixCursor *)base)->done;
}

static int spellfix_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int n) {
  static const int source[] = {0, 1, -1, 2}; /* word, rank, distance, langid */
  if (n < 4 && source[n] >= 0)
    sqlite3_result_value(
        context, sqlite3_column_value(((SpellfixCursor *)base)->rows, source[n]));
  return SQLITE_OK;
}

static int spellfix_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id) {
  *id = sqlite3_column_int64(((SpellfixCursor *)base)->rows, 3);
  return SQLITE_OK;
}

static const sqlite3_module spellfix = {
    .xCreate = spellfix_create,   .xConnect = spellfix_open_table,
    .xBestIndex = spellfix_best,  .xDisconnect = spellfix_disconnect,
    .xDestroy = spellfix_destroy, .xOpen = spellfix_open,
    .xClose = spellfix_close,     .xFilter = spellfix_filter,
    .xNext = spellfix_next,       .xEof = spellfix_eof,
    .xColumn = spellfix_column,   .xRowid = spellfix_rowid,
};

int sqlite3_plexicu_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  int result;
  (void)error;
  SQLITE_EXTENSION_INIT2(api);
  result = add_collation(db);
  if (result == SQLITE_OK) result = add_tokenizer(db);
  if (result == SQLITE_OK) result = sqlite3_create_module(db, "spellfix1", &spellfix, 0);
  return result;
}
