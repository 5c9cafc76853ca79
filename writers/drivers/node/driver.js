// One numbered line after another through a Node.js logging library.
//
// Usage: node driver.js WRITER DIR LINES PAUSE_MICROSECONDS SIZE
// Each library rotates at about SIZE bytes and keeps far more generations than one run makes.
'use strict'
const fs = require('fs')
const path = require('path')
const [name, dir, lines, pause, size] = [process.argv[2], process.argv[3], +process.argv[4], +process.argv[5], +process.argv[6]]
const file = path.join(dir, 'app.log')
const keep = 400

// Each writer returns {write(line), end(callback)}.
const writers = {
  winston (more) {
    const winston = require('winston')
    const transport = new winston.transports.File(Object.assign({ filename: file, maxsize: size, maxFiles: keep }, more))
    const log = winston.createLogger({ format: winston.format.printf(i => i.message), transports: [transport] })
    return { write: l => log.info(l), end: standing }
  },
  'winston-tailable' () { return writers.winston({ tailable: true }) },
  'winston-zipped' () { return writers.winston({ zippedArchive: true }) },
  'winston-daily-rotate-file' () {
    const winston = require('winston')
    const Daily = require('winston-daily-rotate-file')
    const transport = new Daily({ dirname: dir, filename: 'app-%DATE%.log', datePattern: 'YYYY-MM-DD-HH-mm-ss', createSymlink: true, symlinkName: 'current.log', maxFiles: keep })
    const log = winston.createLogger({ format: winston.format.printf(i => i.message), transports: [transport] })
    return { write: l => log.info(l), end: standing }
  },
  'pino-roll' () {
    const pino = require('pino')
    const stream = pino.transport({ target: 'pino-roll', options: { file: path.join(dir, 'app'), extension: '.log', size: Math.max(1, size >> 10) + 'k', symlink: true, sync: false } })
    const ready = new Promise(resolve => stream.on('ready', resolve))
    return { ready, write: l => stream.write(l + '\n'), end: cb => { stream.on('close', () => setTimeout(cb, 300)); stream.end() } }
  },
  log4js (more) {
    const log4js = require('log4js')
    log4js.configure({
      appenders: { f: Object.assign({ type: 'file', filename: file, maxLogSize: size, backups: keep, layout: { type: 'messagePassThrough' } }, more) },
      categories: { default: { appenders: ['f'], level: 'info' } }
    })
    const log = log4js.getLogger()
    return { write: l => log.info(l), end: cb => log4js.shutdown(cb) }
  },
  'log4js-keepext' () { return writers.log4js({ keepFileExt: true }) },
  'log4js-gz' () { return writers.log4js({ compress: true }) },
  bunyan () {
    const bunyan = require('bunyan')
    const stream = new bunyan.RotatingFileStream({ path: file, period: '1000ms', count: keep })
    return { write: l => stream.write(l + '\n'), end: cb => { stream.end(); setTimeout(cb, 300) } }
  },
  'rotating-file-stream' () {
    const rfs = require('rotating-file-stream')
    const stream = rfs.createStream('app.log', { path: dir, size: (size >> 10) + 'K', maxFiles: keep })
    return { write: l => stream.write(l + '\n'), end: cb => stream.end(cb) }
  },
  'rotating-file-stream-gz' () {
    const rfs = require('rotating-file-stream')
    const stream = rfs.createStream('app.log', { path: dir, size: (size >> 10) + 'K', maxFiles: keep, compress: 'gzip' })
    return { write: l => stream.write(l + '\n'), end: cb => stream.end(cb) }
  }
}

// standing calls back when the last line stands in a file, 30 s later at most: ending winston while it rotates
// throws lines away, and that is no matter of its rotation.
function standing (cb) {
  const last = 'line ' + String(lines).padStart(8, '0')
  const began = Date.now()
  const timer = setInterval(() => {
    const found = fs.readdirSync(dir).some(f => { try { return fs.readFileSync(path.join(dir, f)).includes(last) } catch { return false } })
    if (!found && Date.now() - began < 30000) return
    clearInterval(timer)
    setTimeout(cb, 500)
  }, 200)
}

async function main () {
  const w = writers[name]()
  if (w.ready) await w.ready
  let number = 0
  const began = process.hrtime.bigint()
  function tick () {
    const due = pause ? Number((process.hrtime.bigint() - began) / 1000n) / pause : lines
    while (number < lines && number < due) {
      number++
      w.write('line ' + String(number).padStart(8, '0') + ' ' + 'x'.repeat(40 + number % 60))
    }
    if (number < lines) return setTimeout(tick, 1)
    w.end(() => process.exit(0))
  }
  tick()
}

main()
