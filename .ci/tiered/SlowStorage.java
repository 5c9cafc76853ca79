import java.io.*;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.server.log.remote.storage.*;

/** A remote store in a directory. In the first five seconds of reading its reads take as long as slow.ms says. */
public class SlowStorage implements RemoteStorageManager {
  private Path dir;
  private long slow;
  private long first; // time of the first read; 0: none yet

  public void configure(Map<String, ?> configs) {
    dir = Paths.get((String) configs.get("dir"));
    slow = Long.parseLong((String) configs.get("slow.ms"));
  }

  private Path path(RemoteLogSegmentMetadata m, String kind) {
    return dir.resolve(m.remoteLogSegmentId().id() + "." + kind);
  }

  public Optional<RemoteLogSegmentMetadata.CustomMetadata> copyLogSegmentData(RemoteLogSegmentMetadata m, LogSegmentData d)
      throws RemoteStorageException {
    try {
      Files.copy(d.logSegment(), path(m, "log"), StandardCopyOption.REPLACE_EXISTING);
      Files.copy(d.offsetIndex(), path(m, "OFFSET"), StandardCopyOption.REPLACE_EXISTING);
      Files.copy(d.timeIndex(), path(m, "TIMESTAMP"), StandardCopyOption.REPLACE_EXISTING);
      Files.copy(d.producerSnapshotIndex(), path(m, "PRODUCER_SNAPSHOT"), StandardCopyOption.REPLACE_EXISTING);
      if (d.transactionIndex().isPresent()) Files.copy(d.transactionIndex().get(), path(m, "TRANSACTION"), StandardCopyOption.REPLACE_EXISTING);
      byte[] epochs = new byte[d.leaderEpochIndex().remaining()];
      d.leaderEpochIndex().duplicate().get(epochs);
      Files.write(path(m, "LEADER_EPOCH"), epochs);
    } catch (IOException e) {
      throw new RemoteStorageException(e);
    }
    return Optional.empty();
  }

  public InputStream fetchLogSegment(RemoteLogSegmentMetadata m, int start) throws RemoteStorageException {
    return fetchLogSegment(m, start, Integer.MAX_VALUE);
  }

  public InputStream fetchLogSegment(RemoteLogSegmentMetadata m, int start, int end) throws RemoteStorageException {
    try {
      synchronized (this) {
        if (first == 0) first = System.currentTimeMillis();
      }
      if (System.currentTimeMillis() - first < 5000) Thread.sleep(slow);
      InputStream in = Files.newInputStream(path(m, "log"));
      in.skipNBytes(start);
      return in;
    } catch (IOException | InterruptedException e) {
      throw new RemoteStorageException(e);
    }
  }

  public InputStream fetchIndex(RemoteLogSegmentMetadata m, IndexType type) throws RemoteStorageException {
    Path p = path(m, type.name());
    if (!Files.exists(p)) throw new RemoteResourceNotFoundException("no " + type);
    try {
      return Files.newInputStream(p);
    } catch (IOException e) {
      throw new RemoteStorageException(e);
    }
  }

  public void deleteLogSegmentData(RemoteLogSegmentMetadata m) {}

  public void close() {}
}
