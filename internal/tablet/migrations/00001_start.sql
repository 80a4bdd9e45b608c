-- +goose Up
-- Columns of type BLOB named body, value, state or bytes are sealed. No other column may hold anything personal: ids, numbers,
-- area codes and codes of the program only.

CREATE TABLE meta (
    key  TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- The servers this tablet was enrolled with: addresses, token, account, key.
CREATE TABLE server (
    id   TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- Feeds this installation has written, oldest first; the last is written now. body: the private key.
CREATE TABLE feed (
    born    INTEGER PRIMARY KEY,
    replica TEXT NOT NULL UNIQUE,
    pub     BLOB NOT NULL,
    body    BLOB NOT NULL
);

-- Records with answers that are not yet cut into a change. body: kind, household, round.
CREATE TABLE draft_of (
    rec  TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- value: the answer, and the heads its unit had in the snapshot the form works on.
CREATE TABLE draft (
    rec   TEXT NOT NULL,
    unit  TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (rec, unit)
) WITHOUT ROWID;

-- This tablet's own changes, for ever in the order they were made.
CREATE TABLE own (
    replica TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    h       BLOB NOT NULL,
    rec     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    erased  INTEGER NOT NULL DEFAULT 0,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (replica, seq)
) WITHOUT ROWID;
CREATE INDEX own_rec ON own (rec);

-- What each server has of each feed: through = received, durable = committed by the home.
CREATE TABLE ack (
    server  TEXT NOT NULL,
    replica TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    through INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    body    BLOB,
    PRIMARY KEY (server, replica)
) WITHOUT ROWID;

-- Own changes that are in another state than published, and what became of them.
CREATE TABLE note (
    replica TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    state   TEXT NOT NULL,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (replica, seq)
) WITHOUT ROWID;

-- state: what the server has told of the record, without own changes it has not sent back.
CREATE TABLE record (
    rec       TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    household TEXT NOT NULL,
    scope     TEXT NOT NULL,
    gone      INTEGER NOT NULL DEFAULT 0,
    fp        BLOB NOT NULL,
    state     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX record_household ON record (household, kind);
CREATE INDEX record_round ON record (kind) WHERE kind = 'round';

-- In which granted scopes a record stands.
CREATE TABLE place (
    scope TEXT NOT NULL,
    rec   TEXT NOT NULL,
    PRIMARY KEY (scope, rec)
) WITHOUT ROWID;
CREATE INDEX place_rec ON place (rec);

CREATE TABLE cursor (
    server TEXT NOT NULL,
    scope  TEXT NOT NULL,
    epoch  TEXT NOT NULL,
    pos    INTEGER NOT NULL,
    stale  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (server, scope)
) WITHOUT ROWID;

-- Highest change of each board replica that has come here, by number.
CREATE TABLE saw (
    replica TEXT PRIMARY KEY,
    seq     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE erased (
    dot TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE area (
    code       TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    body       BLOB NOT NULL,
    PRIMARY KEY (code, valid_from)
) WITHOUT ROWID;

-- One row of the list a household: names, so sealed; loaded into memory at start.
CREATE TABLE listed (
    household TEXT PRIMARY KEY,
    body      BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE history (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
