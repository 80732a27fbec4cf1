/** A program that keeps writing to a SQLite database, as any application would: `database-writer.js FILE`. */
import { DatabaseSync } from 'node:sqlite';

process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(1));

const [file = 'orders.sqlite'] = process.argv.slice(2);
const database = new DatabaseSync(file);
// In WAL mode a backup that reads does not hold up those who write.
database.exec(
  'PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, placed TEXT, item TEXT, amount INTEGER)',
);
const insert = database.prepare('INSERT INTO orders (placed, item, amount) VALUES (?, ?, ?)');
process.send?.('ready');

setInterval(() => insert.run(new Date().toISOString(), 'teapot', 1 + Math.floor(Math.random() * 9)), 20);
