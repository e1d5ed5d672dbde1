UPDATE events SET payload = payload - 'debug';
