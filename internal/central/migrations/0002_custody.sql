-- +goose Up
-- How many changes a replica said it had at its last hello: what it had then and has not sent is only on that tablet.
ALTER TABLE replica ADD COLUMN said BIGINT NOT NULL DEFAULT 0;
