-- Nothing to seed: the providers come with the migrations, so that a plain `db push` is complete. Sample data: `tally demo`.
select 1;
