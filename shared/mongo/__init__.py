"""The document store on MongoDB. The only importer of motor; its errors end here."""

from shared.mongo.store import WRITERS, MongoStore

__all__ = ["WRITERS", "MongoStore"]
